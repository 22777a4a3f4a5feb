// Content is what travels: every field that is not local, in one spelling. The hash is of that; `modified_at`,
// the version and the people are not part of it.
import { createHash } from 'node:crypto';
import { fieldEntries, type Content, type Entity, type Row } from './entity.ts';
import { sortLinks, type Link, type Value } from './fields.ts';

/** The fields that travel, with their values; a field that is missing stays missing. */
export function contentOf(entity: Entity, row: Row | Content): Content {
  const content: Content = {};
  for (const [name, field] of fieldEntries(entity)) {
    const value = row[name];
    if (!field.local && value !== undefined) content[name] = value;
  }
  return content;
}

/** SHA-256 of the content, in hexadecimal. */
export const hashOf = (entity: Entity, row: Row | Content): string =>
  createHash('sha256')
    .update(`${entity.name}\n${canonical(contentOf(entity, row))}`)
    .digest('hex');

/** Equal in every field, local ones included; `modified_at` aside. */
export const isSameRow = (entity: Entity, one: Row | null, other: Row | null): boolean =>
  one === null || other === null
    ? one === other
    : canonical(fieldsOf(entity, one)) === canonical(fieldsOf(entity, other));

/** Names of the fields in which two contents differ. */
export function differingFields(entity: Entity, one: Content, other: Content): string[] {
  return fieldEntries(entity)
    .map(([name]) => name)
    .filter((name) => !isSameValue(one[name], other[name]));
}

export const isSameValue = (one: Value | undefined, other: Value | undefined): boolean =>
  canonicalValue(one) === canonicalValue(other);

function fieldsOf(entity: Entity, row: Row): Content {
  const names = Object.keys(entity.fields).filter((name) => row[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, row[name] as Value]));
}

/** JSON with sorted keys; a set of links in its one order. */
export const canonical = (content: Content): string =>
  Object.keys(content)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonicalValue(content[name])}`)
    .join(',');

/** A content out of its canonical text. */
export function contentFrom(entity: Entity, text: string): Content {
  const content = JSON.parse(`{${text}}`) as Record<string, Value>;
  for (const [name, { through }] of fieldEntries(entity)) {
    const links = content[name] as unknown as [string, string | null][] | undefined;
    if (through && links) content[name] = links.map(([city, partner]) => ({ city, partner }));
  }
  return content;
}

function canonicalValue(value: Value | undefined): string {
  if (value === undefined) return 'missing';
  if (isLinks(value)) {
    return JSON.stringify(sortLinks(value).map(({ city, partner }) => [city, partner]));
  }
  return JSON.stringify(value);
}

const isLinks = (value: Value): value is Link[] =>
  Array.isArray(value) && typeof value[0] === 'object';
