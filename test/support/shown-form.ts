// Reads from a page the fields that a browser would send for an untouched form.

/** Returns the fields of the form whose tag contains `start`, such as `action="/people/3/permissions"`. */
export function fieldsOn(html: string, start: string): Record<string, string | string[]> {
  const [, form = ''] =
    new RegExp(`<form[^>]*${escaped(start)}[^>]*>(.*?)</form>`, 's').exec(html) ?? [];
  if (form === '') throw new Error(`The page has no form with ${start}.`);
  const sent = new Map<string, string[]>();
  for (const [, text = ''] of form.matchAll(/<input\b([^>]*)>/gs)) {
    const name = attribute(text, 'name');
    const isTick = /type="(checkbox|radio)"/.test(text);
    if (!name || /\bdisabled\b/.test(text) || (isTick && !/\bchecked\b/.test(text))) continue;
    sent.set(name, [...(sent.get(name) ?? []), attribute(text, 'value')]);
  }
  for (const [, tag = '', options = ''] of form.matchAll(/<select\b([^>]*)>(.*?)<\/select>/gs)) {
    const all = [...options.matchAll(/<option\b([^>]*)>/gs)].map(([, option = '']) => option);
    const chosen = all.find((option) => /\bselected\b/.test(option)) ?? all[0] ?? '';
    sent.set(attribute(tag, 'name'), [attribute(chosen, 'value')]);
  }
  return Object.fromEntries(
    [...sent].map(([name, all]) => [name, all.length > 1 ? all : (all[0] ?? '')]),
  );
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

const attribute = (tag: string, name: string) =>
  (new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
