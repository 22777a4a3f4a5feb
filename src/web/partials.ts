// Renders partials (small templates) that appear hundreds of times on a page. Each partial is compiled once and gets
// only the data that it needs. An EJS include would copy all locals and check the disk each time.
import ejs, { type TemplateFunction } from 'ejs';
import { splitAtTimes } from '../zoned-text.ts';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { textOf, type Field, type Link, type Links, type Value } from '../catalog/fields.ts';
import { isSecret } from '../catalog/secret.ts';
import type { Status } from '../state/status.ts';
import { exactly, formatChoice, formatValue, iso, personName, when } from './format.ts';
import { viewer } from './viewer.ts';
import { icon } from './icons.ts';
import { statusLooks } from './status-badges.ts';

const folder = new URL('../../views/', import.meta.url);
const compiled = new Map<string, TemplateFunction>();

export function partial(name: string, data: object): string {
  let render = compiled.get(name);
  if (!render) {
    const filename = fileURLToPath(new URL(`${name}.ejs`, folder));
    render = ejs.compile(readFileSync(filename, 'utf8'), { filename });
    compiled.set(name, render);
  }
  // A template file ends with a line break, which browsers would show as a space, for example before a comma.
  return render(data).trim();
}

/** Renders the value of a field as HTML for lists and row pages. */
export const cell = (
  field: Field,
  value: Value | undefined,
  { titles, isWhole = false }: { titles?: Map<string, string>; isWhole?: boolean } = {},
) =>
  partial(`catalog-pages/fields/${field.kind}-cell`, {
    field,
    // A secret is never passed to a template.
    value: isSecret(field) ? formatValue(field, value) : (value ?? null),
    title: field.to ? (titles?.get(`${field.to}:${textOf(value)}`) ?? `#${textOf(value)}`) : '',
    clip: isWhole ? '' : 'clip',
    links: field.links && Array.isArray(value) ? linkLines(field.links, value as Link[]) : [],
    formatChoice,
    exactTime,
  });

/**
 * Renders a value of a row before or after a change as HTML. A missing value, as in a row that did not exist, is
 * rendered as a placeholder.
 */
export const wholeValue = (field: Field, value: Value | undefined, titles?: Map<string, string>) =>
  value === null || value === undefined
    ? partial('web/no-value', {})
    : cell(field, value, { isWhole: true, ...(titles && { titles }) });

/**
 * Returns, for each link of a row, the name of the linked row and the further names to show beside
 * it.
 */
const linkLines = ({ target, parts }: Links, links: Link[]) =>
  links.map((link) => {
    const others = parts.filter(({ name }) => name !== target.name);
    const beside = others.flatMap(({ name }) => link[name] ?? []).join(', ');
    return { name: link[target.name] ?? '', beside };
  });

/** Renders the status of a row as HTML, with the colour and icon of the status. */
export const badge = (status: Status | null) =>
  partial('web/badge', { status, looks: status && statusLooks[status], icon });

/** Renders a time as HTML: as an age within the last day, with the exact time on hover. */
export const time = (at: string) =>
  partial('web/time', { at: iso(at), text: when(at), hover: exactly(at) });

/** Renders a time as HTML, as date and time with its zone. */
export const exactTime = (at: string) =>
  partial('web/time', { at: iso(at), text: exactly(at), hover: '' });

/** Renders a person as HTML: the name, with the e-mail on hover. */
export const person = (email: string | null) =>
  partial('web/person', { name: personName(email ?? ''), email });

/**
 * Renders a sentence of a message as HTML. Each e-mail in it is replaced by the person’s name, with the e-mail on
 * hover. Times in UTC are converted to the time zone of the person who reads the sentence.
 */
export const sentence = (text: string | null) =>
  splitAtTimes(text ?? '')
    .map((part) => (part.at === null ? withNames(part.text) : exactTime(part.at.toISOString())))
    .join('');

const withNames = (text: string): string =>
  text
    .split(BETWEEN_WORDS)
    .map((word) => (viewer().names.has(word) ? person(word) : ejs.escapeXML(word)))
    .join('');

/** What may follow an e-mail in a sentence: spaces, signs, and the ending of a possessive. */
const BETWEEN_WORDS = /([\s“”"(),:;]+|[’']s(?=[\s“”"(),:;.?!]|$)|[.?!]+(?=[\s“”"’')]|$))/;
