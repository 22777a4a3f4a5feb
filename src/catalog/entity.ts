// What an entity is: one declaration from which list, form, page, comparison and transfer are derived.
import { z } from 'zod';
import { Invalid, type FieldErrors } from '../problems.ts';
import { textOf, type Field, type Link, type Links, type Value } from './fields.ts';
import { isUntouched } from './shown-text.ts';

type Fields = Record<string, Field>;

export type Declaration<F extends Fields> = {
  name: string;
  label: { one: string; many: string };
  /** lucide's name of its icon. */
  icon: string;
  /** The MySQL table, or the MongoDB collection. */
  table: string;
  store: 'mysql' | 'mongo';
  /** The field that names a row to a person. */
  title: keyof F & string;
  fields: F;
  /** Entities whose rows go along with a row of this one. */
  dependents?: string[];
  /** The reference to the row that this one is a dependent of. */
  owner?: keyof F & string;
  /** Belongs to its environment: found by name there, never carried as a row. */
  isMatchedByName?: boolean;
  /** Rules between fields; answers one message for each field that breaks one. */
  rules?: (content: Content) => FieldErrors;
  /** One sentence for an empty list. */
  purpose: string;
};

export type Entity = Omit<Declaration<Fields>, 'dependents' | 'owner'> & {
  dependents: string[];
  owner: string | null;
  isMatchedByName: boolean;
};

/** A row of any entity: its id, its fields, and when it was last changed (ISO 8601, milliseconds). */
export type Row = {
  readonly id: number;
  readonly modified_at: string;
  readonly [field: string]: Value;
};
/** A row or content that is still being put together. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };
/** The fields without id and `modified_at`. */
export type Content = Readonly<Record<string, Value>>;
export type RowKey = { entity: string; id: number };

export function entity<const F extends Fields>(
  declaration: Declaration<F>,
): Entity & { fields: F } {
  return { dependents: [], owner: null, isMatchedByName: false, ...declaration };
}

/** Kept in MongoDB: written one by one, each by compare-and-set. */
export const isDocument = ({ store }: Entity): boolean => store === 'mongo';

/** The label of a field: the declared one, or its name with spaces. */
export function labelOf(entity: Entity, fieldName: string): string {
  const words = fieldName.replaceAll('_', ' ');
  return entity.fields[fieldName]?.label ?? words.charAt(0).toUpperCase() + words.slice(1);
}

const entries = new WeakMap<object, [string, Field][]>();

/** Names and fields, in the order of the declaration; the same list every time. */
export function fieldEntries({ fields }: Entity): readonly [string, Field][] {
  const known = entries.get(fields) ?? Object.entries(fields);
  entries.set(fields, known);
  return known;
}

/** Column of a field that is kept in the entity's own table; null for a set of links. */
export function columnOf(name: string, field: Field): string | null {
  if (field.links) return null;
  return field.to ? `${name}_id` : name;
}

/** Every reference an entity has: field name and the entity it points to. */
export const referencesOf = (entity: Entity): { field: string; to: string }[] =>
  fieldEntries(entity).flatMap(([name, field]) =>
    field.to ? [{ field: name, to: field.to }] : [],
  );

/** Every set of links an entity has. */
export const linksOf = (entity: Entity): { field: string; links: Links }[] =>
  fieldEntries(entity).flatMap(([name, field]) =>
    field.links ? [{ field: name, links: field.links }] : [],
  );

/** A row that belongs to its environment, as others know it. */
export type LinkedName = { entity: string; name: string };

/** Every name that a row is linked with, as often as it is. */
export const linkedNamesOf = (entity: Entity, row: Row | Content | null): LinkedName[] =>
  linksOf(entity).flatMap(({ field, links }) =>
    linksIn(row, field).flatMap((link) =>
      links.parts.flatMap((part) => {
        const name = link[part.name] ?? null;
        return name === null ? [] : [{ entity: part.entity, name }];
      }),
    ),
  );

/** The links that a row has in a field. */
export const linksIn = (row: Row | Content | null, field: string): Link[] =>
  (row?.[field] ?? []) as Link[];

export const titleOf = (entity: Entity, row: Row): string =>
  textOf(row[entity.title]) || `${entity.label.one} ${row.id}`;

export const keyText = ({ entity, id }: RowKey): string => `${entity}:${id}`;

/** Parses a key text that this program wrote. */
export function keyFrom(text: string): RowKey {
  const [entity = '', id] = text.split(':');
  return { entity, id: Number(id) };
}

/** Each key once. */
export const keysFrom = (texts: string[]): RowKey[] => [...new Set(texts)].map(keyFrom);

/** The values that an empty form starts with. */
export const initialContent = (entity: Entity): Content =>
  Object.fromEntries(fieldEntries(entity).map(([name, field]) => [name, field.initial]));

/**
 * Parses what a form posted. Fields that are `kept` are not parsed: nobody touched them, and what is stored stays,
 * whether or not it would be taken today. `opened`: the content that the form showed.
 * @throws Invalid with one message for each field that does not fit
 */
export function parseContent(
  entity: Entity,
  posted: unknown,
  kept: Content = {},
  opened: Content = {},
): Content {
  const touched = fieldEntries(entity).filter(([name]) => !Object.hasOwn(kept, name));
  const shape = touched.map(([name, field]) => [
    name,
    field.schema(labelOf(entity, name), opened[name]),
  ]);
  const result = z
    .object(Object.fromEntries(shape) as Record<string, z.ZodType<Value>>)
    .safeParse(posted ?? {});
  if (!result.success) {
    const errors: FieldErrors = {};
    for (const issue of result.error.issues) errors[String(issue.path[0])] ??= issue.message;
    throw new Invalid(errors);
  }
  const content = withoutMissing({ ...kept, ...result.data });
  const broken = brokenRules(entity, content, kept);
  if (Object.keys(broken).length > 0) throw new Invalid(broken);
  return content;
}

/** A field that a document does not have stays missing. */
const withoutMissing = (content: Record<string, Value | undefined>): Content =>
  Object.fromEntries(
    Object.entries(content).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );

/**
 * The fields that were posted as the form showed them, with the values that it showed. `shown`: the text that a picker
 * had then.
 */
export function untouchedContent(
  entity: Entity,
  posted: Record<string, unknown>,
  opened: Content,
  shown: (name: string) => string | undefined = () => undefined,
): Content {
  const kept: Record<string, Value> = {};
  for (const [name, field] of fieldEntries(entity)) {
    if (isUntouched(field, posted[name], opened[name], shown(name))) {
      kept[name] = opened[name] as Value;
    }
  }
  return kept;
}

/** The hidden field with the text that a picker showed. */
export const shownName = (name: string): string => `${name}_shown`;

/** Rules between fields of which none was touched are not asked. */
function brokenRules({ rules }: Entity, content: Content, kept: Content): FieldErrors {
  let isAsked = false;
  const watched = new Proxy(content, {
    get(of, name) {
      isAsked ||= !Object.hasOwn(kept, name);
      return of[String(name)];
    },
  });
  const broken = rules?.(watched) ?? {};
  return isAsked ? broken : {};
}
