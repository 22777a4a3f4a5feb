// Prettier plugin for EJS views: replaces the scriptlets (`<% … %>`) by placeholders, formats the HTML around them, and
// inserts the scriptlets again. The package prettier-plugin-ejs 1.0.3 fails at scriptlets within a tag and at code that
// contains ">".
import { format, type AstPath, type ParserOptions } from 'prettier';

const code = '(?:[^%]|%(?!>))*%>';
const scriptlet = `<%${code}`;
const quotedValue = `"(?:${scriptlet}|[^"<])*"`;
const tagOrScriptlet = new RegExp(
  `(<[a-zA-Z](?:${scriptlet}|${quotedValue}|[^>"<])*>)|${scriptlet}`,
  'g',
);
/** Matches an attribute with its condition: `<% if (…) { %>checked<% } %>`. */
const conditional = `<% if${code}(?:${quotedValue}|[^"<])*<% } %>`;
const withinTag = new RegExp(`(${quotedValue})|${conditional}|${scriptlet}`, 'g');
/**
 * Matches a scriptlet that is alone on its line and must stay so. Scriptlets that print a part of a
 * text, such as an icon, are not matched.
 */
const alone = new RegExp(`(?<=^ *)<%(?!=|- (?:icon|cell|badge)\\()${code}(?= *$)`, 'gm');
const placeholder = /<!--α(\d+)ω*-->|α(\d+)ω*/g;
/**
 * Matches `<%# prettier-ignore: reason %>`, after which Prettier leaves the next element
 * unformatted.
 */
const ignore = /<%# prettier-ignore: [^%]+%>/g;
const htmlIgnore = '<!-- prettier-ignore -->';

type Scriptlet = { text: string; indent: number };

/**
 * Turns a view into HTML for Prettier. Each scriptlet becomes a placeholder of the same width: a
 * comment, an attribute or a part of a word.
 */
function hideScriptlets(view: string) {
  const scriptlets: Scriptlet[] = [];
  const hide = (text: string, offset: number, whole: string) => {
    scriptlets.push({ text, indent: indentAt(whole, offset) });
    return `α${scriptlets.length - 1}`.padEnd(text.length, 'ω');
  };
  const hideWithin = (tag: string, start: number, whole: string) =>
    tag.replace(withinTag, (text, value: string | undefined, at: number) =>
      value ? text : spaced(hide(text, start + at, whole), tag[at - 1], tag[at + text.length]),
    );
  const html = view
    .replace(ignore, htmlIgnore)
    .replace(tagOrScriptlet, (text, tag: string | undefined, offset: number, whole: string) =>
      tag ? hideWithin(tag, offset, whole) : text,
    )
    .replace(alone, (text, offset: number, whole: string) => `<!--${hide(text, offset, whole)}-->`)
    .replace(new RegExp(scriptlet, 'g'), hide);
  return { html, scriptlets, ignored: view.match(ignore) ?? [] };
}

function putBack(html: string, scriptlets: Scriptlet[], ignored: string[]) {
  const reasons = ignored.values();
  return html
    .replaceAll(htmlIgnore, () => reasons.next().value!)
    .replace(placeholder, (_, comment, word, offset: number, whole: string) => {
      const { text, indent } = scriptlets[Number(comment ?? word)]!;
      return indentedBy(indentAt(whole, offset) - indent, text);
    });
}

/** Adds a space before and after an attribute where there is none. */
const spaced = (attribute: string, before = '', after = '') =>
  (/\s/.test(before) ? '' : ' ') + attribute + (/[\s>]/.test(after) ? '' : ' ');

/** Counts the spaces at the beginning of the line that contains this offset. */
const indentAt = (text: string, offset: number) =>
  /^ */.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1))![0].length;

/**
 * Indents all lines of a scriptlet except the first by `spaces` more spaces, or by fewer if the
 * number is negative.
 */
const indentedBy = (spaces: number, text: string) =>
  text.replace(
    /\n( *)/g,
    (_, before: string) => `\n${' '.repeat(Math.max(0, before.length + spaces))}`,
  );

export const languages = [{ name: 'EJS', parsers: ['ejs'], extensions: ['.ejs'] }];

export const parsers = {
  ejs: {
    astFormat: 'ejs',
    async parse(view: string, { printWidth, bracketSameLine }: ParserOptions) {
      const { html, scriptlets, ignored } = hideScriptlets(view);
      const formatted = await format(html, { parser: 'html', printWidth, bracketSameLine });
      return putBack(formatted, scriptlets, ignored);
    },
    locStart: () => 0,
    locEnd: () => 0,
  },
};

export const printers = {
  ejs: { print: ({ node }: AstPath<string>) => node },
};
