// The kind `html-index` of data sources: lists the links of a web page whose file names match a pattern.
import { Parser } from 'htmlparser2';
import { z } from 'zod';
import { cleanLine } from '../typed-text.ts';
import { kind } from './kind.ts';
import { matches, nameAt } from './names.ts';

/** Links with more characters than this are ignored. */
const LONGEST = 2100;

const options = z.object({
  pattern: z
    .string()
    .transform(cleanLine)
    .pipe(
      z
        .string()
        .min(1, 'Enter a pattern: *.csv')
        .max(200, 'The pattern must be 200 characters or fewer'),
    )
    .default('*.csv'),
});

export const htmlIndex = kind<z.infer<typeof options>>({
  label: 'HTML index',
  urlHint: 'Address of the page with the links: https://statistics.example/downloads/',
  options,
  fields: [
    {
      name: 'pattern',
      label: 'Pattern of the file names',
      hint: '* is any text, ? one character; several with spaces between them: *.csv *.csv.gz',
      initial: '*.csv',
    },
  ],
  async *list({ url, options: { pattern } }, http) {
    const seen = new Set<string>();
    for (const link of linksIn(await http.text(url), url)) {
      const name = [nameAt(link), queryName(link)].find((one) => matches(pattern, one));
      if (name === undefined || seen.has(link.href)) continue;
      seen.add(link.href);
      yield { name, url: link.href };
    }
  },
});

/**
 * Returns the file name of a link with a query, such as `download?file=rain.csv`, where only the
 * query names the file. Returns an empty text for a link without a query.
 */
const queryName = (link: URL): string =>
  link.search === '' ? '' : `${nameAt(link)}?${new URLSearchParams(link.search).toString()}`;

function linksIn(html: string, page: string): URL[] {
  const found: string[] = [];
  let base = page;
  const parser = new Parser({
    onopentag: (tag, { href }) => {
      if (href === undefined || href.length > LONGEST) return;
      if (tag === 'a') found.push(href);
      else if (tag === 'base') base = URL.parse(href, page)?.href ?? base;
    },
  });
  parser.write(html);
  parser.end();
  return found.flatMap((href) => {
    const link = URL.parse(href.trim(), base);
    if (!link || !/^https?:$/.test(link.protocol)) return [];
    link.hash = '';
    return [link];
  });
}
