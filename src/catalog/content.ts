// Computes the content of a row: all fields that are transferred, without environment-specific fields, in one
// canonical form. The hash of a content does not depend on `modified_at`, the version or the people who changed the
// row.
import { hash } from 'node:crypto';
import {
  derivedFrom,
  fieldEntries,
  hasLocalFields,
  linksOf,
  type Content,
  type Draft,
  type Entity,
  type Row,
} from './entity.ts';
import type { Field, Link, Value } from './fields.ts';
import { packLinks, unpackLinks } from './links.ts';
import { isSecret, secretVersion } from './secret.ts';

/**
 * Returns the transferred fields of a row with their values. A field that the row lacks stays
 * missing.
 */
export function contentOf(entity: Entity, row: Row | Content): Content {
  const content: Draft<Content> = {};
  for (const { name } of travellingFields(entity)) {
    const value = row[name];
    if (value !== undefined) content[name] = value;
  }
  return content;
}

/** All fields in canonical order. */
const allFields = derivedFrom((entity) =>
  fieldEntries(entity)
    .map(([name, { links, local }]) => ({ name, links, local }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
);

/** The transferred fields in canonical order. */
const travellingFields = derivedFrom((entity) => allFields(entity).filter(({ local }) => !local));

/** Returns the content of a row as JSON, with sorted keys and sorted links, without the braces. */
export const canonical = (entity: Entity, row: Row | Content): string =>
  textOf(row, travellingFields(entity));

function textOf(row: Row | Content, fields: ReturnType<typeof allFields>): string {
  const packed: Record<string, unknown> = {};
  for (const { name, links } of fields) {
    const value = row[name];
    if (value !== undefined) {
      packed[name] = links && Array.isArray(value) ? packLinks(links, value as Link[]) : value;
    }
  }
  return JSON.stringify(packed).slice(1, -1);
}

/**
 * Hashes are cached by row object, which is safe because rows are never changed once they are built. Canonical texts
 * are not: they are as long as the rows, and moving them around in memory takes longer than making a few of them again.
 */
const hashes = new WeakMap<Row | Content, string>();

/** Returns the SHA-256 hash of a row’s content, in hexadecimal. */
export function hashOf(entity: Entity, row: Row | Content): string {
  const known = hashes.get(row);
  if (known !== undefined) return known;
  const made = hash('sha256', `${entity.name}\n${canonical(entity, row)}`);
  hashes.set(row, made);
  return made;
}

/** Returns the SHA-256 hash of all fields of a row, in hexadecimal. Unlike that of hashOf(), it covers local fields. */
export const fullHashOf = (entity: Entity, row: Row): string =>
  hasLocalFields(entity)
    ? hash('sha256', `${entity.name}\n${textOf(row, allFields(entity))}`)
    : hashOf(entity, row);

/**
 * Whether two rows are equal in every field, including the environment-specific ones. `modified_at`
 * is not compared.
 */
export const isSameRow = (entity: Entity, one: Row | null, other: Row | null): boolean =>
  one === other || one === null || other === null
    ? one === other
    : fieldEntries(entity).every(([name, field]) => isSameField(field, one[name], other[name]));

/** Whether two contents are equal in every transferred field. */
export const isSameContent = (entity: Entity, one: Row, other: Row): boolean =>
  travellingFields(entity).every(({ name }) => isSameValue(one[name], other[name]));

/** Returns the names of the fields in which two contents differ. */
export function differingFields(entity: Entity, one: Content, other: Content): string[] {
  return fieldEntries(entity)
    .filter(([name, field]) => !isSameField(field, one[name], other[name]))
    .map(([name]) => name);
}

/**
 * Whether two values of a field are equal. A secret that was encrypted again with another key
 * counts as unchanged.
 */
const isSameField = (field: Field, one: Value | undefined, other: Value | undefined): boolean =>
  isSecret(field) ? secretVersion(one) === secretVersion(other) : isSameValue(one, other);

/** Whether two values are equal, ignoring the order of links and of their parts. */
export const isSameValue = (one: Value | undefined, other: Value | undefined): boolean =>
  one === other || (isObject(one) && isObject(other) && comparable(one) === comparable(other));

/**
 * Whether a value is an object: a list of texts, a list of links, or an object that another program
 * stored.
 */
const isObject = (value: Value | undefined): value is string[] | Link[] =>
  typeof value === 'object' && value !== null;

const comparable = (value: string[] | Link[]): string =>
  JSON.stringify(isLinks(value) ? value.map(linkText).toSorted() : value);

const isLinks = (value: string[] | Link[]): value is Link[] =>
  Array.isArray(value) && typeof value[0] === 'object' && value[0] !== null;

const linkText = (link: Link) =>
  JSON.stringify(Object.entries(link).toSorted(([one], [other]) => (one < other ? -1 : 1)));

/** Parses a canonical text, which canonical() made, into the content. */
export function contentFrom(entity: Entity, text: string): Content {
  const content = JSON.parse(`{${text}}`) as Record<string, Value>;
  for (const { field, links } of linksOf(entity)) {
    const packed = content[field] as unknown as (string | null)[][] | undefined;
    if (packed) content[field] = unpackLinks(links, packed);
  }
  return content;
}
