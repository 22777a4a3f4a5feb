// Partials that appear hundreds of times on a page. They are compiled once and get only the data they need;
// an EJS include copies all locals and checks the disk each time.
import ejs, { type TemplateFunction } from 'ejs';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Field, Value } from '../catalog/fields.ts';
import { formatChoice, exactly } from './format.ts';

const folder = new URL('../../views/', import.meta.url);
const compiled = new Map<string, TemplateFunction>();

export function partial(name: string, data: object): string {
  let render = compiled.get(name);
  if (!render) {
    const filename = fileURLToPath(new URL(`${name}.ejs`, folder));
    render = ejs.compile(readFileSync(filename, 'utf8'), { filename });
    compiled.set(name, render);
  }
  return render(data);
}

/** A value of a field, as lists and records show it. */
export const cell = (
  field: Field,
  value: Value | undefined,
  more: { titles?: Map<string, string>; isWhole?: boolean } = {},
) =>
  partial(`catalog-pages/fields/${field.kind}-cell`, {
    field,
    value,
    formatChoice,
    exactly,
    ...more,
  });
