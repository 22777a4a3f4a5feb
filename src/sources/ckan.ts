// The kind `ckan` of data sources: lists those files of a package (the dataset of a CKAN server) that have one format,
// such as CSV. The API of CKAN is documented at https://docs.ckan.org/en/latest/api.
import { z } from 'zod';
import { cleanLine } from '../typed-text.ts';
import { FetchFailure } from './failure.ts';
import { plainEtag } from './answer.ts';
import { kind, type ListedFile } from './kind.ts';
import { nameAt } from './names.ts';

const line = (missing: string) =>
  z
    .string({ error: missing })
    .transform(cleanLine)
    .pipe(z.string().min(1, missing).max(200, 'Must be 200 characters or fewer'));

const options = z.object({
  package: line('Enter the name or id of the package'),
  format: line('Enter the format of the files: CSV').default('CSV'),
});

const answer = z.object({
  success: z.literal(true),
  result: z.object({
    resources: z.array(
      z.object({
        id: z.string().nullish(),
        url: z.string().nullish(),
        format: z.string().nullish(),
        mimetype: z.string().nullish(),
        size: z.union([z.number(), z.string()]).nullish(),
        hash: z.string().nullish(),
        last_modified: z.string().nullish(),
      }),
    ),
  }),
});
type Resource = z.infer<typeof answer>['result']['resources'][number];

export const ckan = kind<z.infer<typeof options>>({
  label: 'CKAN package',
  urlHint: 'Address of the CKAN server: https://data.example.org',
  options,
  fields: [
    { name: 'package', label: 'Package', hint: 'Its name or id: air-quality', initial: '' },
    {
      name: 'format',
      label: 'Format',
      hint: 'Resources of other formats are left out: CSV',
      initial: 'CSV',
    },
  ],
  async *list({ url, options: { package: id, format } }, http) {
    const address = new URL(`${url.replace(/\/+$/, '')}/api/3/action/package_show`);
    address.searchParams.set('id', id);
    const { data } = answer.safeParse(await http.json(address.href));
    if (!data) {
      throw new FetchFailure(
        'index',
        'The answer is not that of a CKAN server. Check the address and the package.',
      );
    }
    const wanted = format.toLowerCase();
    for (const resource of data.result.resources) {
      if ((resource.format ?? '').toLowerCase() === wanted) yield fileIn(resource, url);
    }
  },
});

function fileIn(
  { id, url: address, size, hash, last_modified: modified }: Resource,
  base: string,
): ListedFile {
  const url = address ? URL.parse(address, base) : null;
  const bytes = Number(size || Number.NaN);
  const etag = plainEtag(hash || modified || undefined);
  return {
    name: (url && nameAt(url)) || `Resource ${id ?? ''}`,
    url: url?.href ?? '',
    ...(Number.isSafeInteger(bytes) && { size: bytes }),
    ...(etag !== null && { etag }),
  };
}
