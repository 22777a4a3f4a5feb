// Posts the form of a page as a browser does: untouched inputs are sent with the values that the page showed.
import type { Client } from './people.ts';

const entities: Record<string, string> = {
  '&#34;': '"',
  '&#39;': "'",
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
};
const plain = (text: string) =>
  text.replaceAll(/&(#34|#39|lt|gt|amp);/g, (one) => entities[one] ?? one);
const attribute = (tag: string, name: string) =>
  new RegExp(` ${name}="([^"]*)"`).exec(
    tag.replaceAll(/\s+/g, (gap) => (gap === '' ? '' : ' ')),
  )?.[1];

/** Returns the values that a browser would post for the untouched form `edit`, by input name. */
export function shownValues(html: string): Record<string, string> {
  const form = /<form\s[^>]*id="edit"[^]*?<\/form>/.exec(html)?.[0] ?? '';
  const values: Record<string, string> = {};
  for (const [control] of form.matchAll(
    /<(?:input\s[^>]*>|textarea[^]*?<\/textarea>|select[^]*?<\/select>)/g,
  )) {
    const tag = /^<[^>]*>/.exec(control)?.[0] ?? '';
    const name = attribute(tag, 'name');
    const value = valueOf(control, tag);
    if (name !== undefined && name !== 'csrf' && value !== null) values[name] = value;
  }
  return values;
}

function valueOf(control: string, tag: string): string | null {
  if (control.startsWith('<textarea')) {
    const text = plain(control.slice(tag.length, -'</textarea>'.length));
    return text.replaceAll(/\r\n?/g, '\n').replace(/^\n/, '').replaceAll('\n', '\r\n');
  }
  if (control.startsWith('<select')) {
    return plain(/value="([^"]*)" selected/.exec(control)?.[1] ?? '');
  }
  const type = attribute(tag, 'type');
  const isOff = type === 'checkbox' && !/\schecked/.test(tag);
  if (isOff || type === 'file') return null;
  const raw = plain(/ value="([^"]*)"/.exec(tag.replace(/\n\s*value=/, ' value='))?.[1] ?? '');
  // Browsers post a valid local date and time in its shortest spelling.
  if (type === 'datetime-local') return raw.replace(/(T\d\d:\d\d):00$/, '$1');
  return type === 'hidden' ? raw : raw.replaceAll(/[\r\n]/g, '');
}

/** Opens the page of a row, changes some inputs of its form, and posts the form. */
export async function repost(
  client: Client,
  address: string,
  changes: Record<string, string> = {},
) {
  const page = await client.get(address).expect(200);
  return client.post(address, { ...shownValues(page.text), ...changes });
}
