// Declares what an entity definition contains. An entity is a type of row, such as task or form. Lists, forms, pages,
// comparisons and transfers are all generated from the entity definitions.
import { z } from 'zod';
import { Invalid, type FieldErrors } from '../problems.ts';
import { textOf, type Field, type Link, type Links, type Value } from './fields.ts';
import { isUntouched } from './shown-text.ts';

type Fields = Record<string, Field>;

export type Declaration<F extends Fields> = {
  name: string;
  label: { one: string; many: string };
  /** The icon in menus and lists, by its name in the lucide set. */
  icon: string;
  /** The name of the entity’s MySQL table or MongoDB collection. */
  table: string;
  store: 'mysql' | 'mongo';
  /** The field whose value is the title of a row. */
  title: keyof F & string;
  fields: F;
  /** The entities whose rows belong to rows of this entity, as form fields belong to a form. */
  dependents?: string[];
  /** For a dependent entity, the reference field that points to the parent row. */
  owner?: keyof F & string;
  /** For a dependent entity, the field with the order number of a row among its siblings. */
  order?: keyof F & string;
  /**
   * Whether each environment has its own rows of this entity, with its own ids. Such rows are found
   * by name, such as `Pune`, and are never transferred.
   */
  isMatchedByName?: boolean;
  /** Checks rules between fields. Returns a message for each field that breaks a rule. */
  rules?: (content: Content) => FieldErrors;
  /** The sentence that an empty list shows. */
  purpose: string;
};

export type Entity = Omit<Declaration<Fields>, 'dependents' | 'owner' | 'order'> & {
  dependents: string[];
  owner: string | null;
  order: string | null;
  isMatchedByName: boolean;
};

/** A row of any entity: its id, its fields, and when it was last changed (ISO 8601, milliseconds). */
export type Row = {
  readonly id: number;
  readonly modified_at: string;
  readonly [field: string]: Value;
};
/** A row or content that may still be changed while it is being built. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };
/** The fields of a row without id and `modified_at`. */
export type Content = Readonly<Record<string, Value>>;
export type RowKey = { entity: string; id: number };

export function entity<const F extends Fields>(
  declaration: Declaration<F>,
): Entity & { fields: F } {
  return { dependents: [], owner: null, order: null, isMatchedByName: false, ...declaration };
}

/** Whether rows of this entity are MongoDB documents, which are written one by one with compare-and-set. */
export const isDocument = ({ store }: Entity): boolean => store === 'mongo';

/**
 * Returns the label of a field: the label in its definition, or its name with spaces instead of
 * underscores.
 */
export function labelOf(entity: Entity, fieldName: string): string {
  const words = fieldName.replaceAll('_', ' ');
  return entity.fields[fieldName]?.label ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * Computes `derive` once for each entity and caches the result, because writing many rows needs the
 * result for each row. Entity definitions never change, so the result stays valid.
 */
export function derivedFrom<T>(derive: (entity: Entity) => T): (entity: Entity) => T {
  const known = new WeakMap<Entity['fields'], { value: T }>();
  return (entity) => {
    const found = known.get(entity.fields);
    if (found) return found.value;
    const value = derive(entity);
    known.set(entity.fields, { value });
    return value;
  };
}

/** The names and definitions of all fields, in the order of the entity’s definition. */
export const fieldEntries = derivedFrom(({ fields }): readonly [string, Field][] =>
  Object.entries(fields),
);

/**
 * Returns the column of a field in the table of its entity; null for links, which are stored in a
 * separate table.
 */
export function columnOf(name: string, field: Field): string | null {
  if (field.links) return null;
  return field.to ? `${name}_id` : name;
}

/** Every reference field of an entity, with the entity that it points to. */
export const referencesOf = derivedFrom((entity): readonly { field: string; to: string }[] =>
  fieldEntries(entity).flatMap(([name, field]) =>
    field.to ? [{ field: name, to: field.to }] : [],
  ),
);

/**
 * Whether an entity has fields that are never transferred, because each environment has its own
 * values.
 */
export const hasLocalFields = derivedFrom((entity): boolean =>
  fieldEntries(entity).some(([, { local }]) => local),
);

/** Every link field of an entity, with the definition of its links. */
export const linksOf = derivedFrom((entity): readonly { field: string; links: Links }[] =>
  fieldEntries(entity).flatMap(([name, field]) =>
    field.links ? [{ field: name, links: field.links }] : [],
  ),
);

/**
 * The entity and name of a row that is found by name, such as the city `Pune`, because its id
 * differs between environments.
 */
export type LinkedName = { entity: string; name: string };

/** Returns all names that a row is linked with; a name may occur twice. */
export function linkedNamesOf(entity: Entity, row: Row | Content | null): LinkedName[] {
  const names: LinkedName[] = [];
  for (const { field, links } of linksOf(entity)) {
    for (const link of linksIn(row, field)) {
      for (const part of links.parts) {
        const name = link[part.name] ?? null;
        if (name !== null) names.push({ entity: part.entity, name });
      }
    }
  }
  return names;
}

/** The links of a row in one field. */
export const linksIn = (row: Row | Content | null, field: string): Link[] =>
  (row?.[field] ?? []) as Link[];

export const titleOf = (entity: Entity, row: Row): string =>
  textOf(row[entity.title]) || `${entity.label.one} ${row.id}`;

export const keyText = ({ entity, id }: RowKey): string => `${entity}:${id}`;

/** Parses a key text such as `task:12`, which keyText() made. */
export function keyFrom(text: string): RowKey {
  const [entity = '', id] = text.split(':');
  return { entity, id: Number(id) };
}

/** Parses key texts such as `task:12`, without duplicates. */
export const keysFrom = (texts: string[]): RowKey[] => [...new Set(texts)].map(keyFrom);

/** The values that the form of a new row shows. */
export const initialContent = (entity: Entity): Content =>
  Object.fromEntries(fieldEntries(entity).map(([name, field]) => [name, field.initial]));

/**
 * Parses the posted form of a row into its content. `kept`: the stored values of fields that the
 * user did not touch. These values stay as stored, even if they are invalid. `opened`: the content
 * that the form showed.
 * @throws Invalid with one message for each invalid field
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

/**
 * Removes fields that the stored document lacks from the content, so that a save does not add them
 * to the document.
 */
const withoutMissing = (content: Record<string, Value | undefined>): Content =>
  Object.fromEntries(
    Object.entries(content).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );

/**
 * Returns the stored values of all fields that the user did not touch, that is, whose posted values
 * equal the shown values. `shown`: returns the text that a field’s picker (an input with
 * suggestions) showed.
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

/** Returns the name of the hidden input that contains the text that a picker showed. */
export const shownName = (name: string): string => `${name}_shown`;

/**
 * Returns a message for each broken rule between fields. If the user touched none of the fields
 * that the rules use, returns no message. `kept`: the values of the fields that the user did not touch.
 */
export function brokenRules({ rules }: Entity, content: Content, kept: Content): FieldErrors {
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
