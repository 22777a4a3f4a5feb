// Declares the answers of the API as zod schemas. The OpenAPI document derives its JSON Schemas from them.
import { z } from 'zod';
import { fieldEntries, labelOf, type Entity } from '../catalog/entity.ts';
import type { Field, Links } from '../catalog/fields.ts';
import { catalog } from '../catalog/index.ts';

export const id = z.int().min(1);
export const instant = z.string().meta({ format: 'date-time' });

const deletion = z.object({ id, modified_at: instant, deleted: z.literal(true) });
const next = z.object({ modified_after: instant, after: z.int(), href: z.string() });
export const problem = z.object({
  error: z.object({
    status: z.int().optional(),
    code: z.string().optional(),
    message: z.string(),
  }),
});

const kinds: Record<string, (field: Field) => z.ZodType> = {
  text: () => z.string(),
  'long-text': () => z.string(),
  link: () => z.string(),
  choice: ({ choices = [] }) => z.string().meta({ examples: [...choices] }),
  flag: () => z.boolean(),
  integer: () => z.int(),
  reference: ({ to }) => id.meta({ description: `The id of a ${to}.` }),
  image: () => z.string().meta({ description: 'A name for /api/v1/objects/{name}.' }),
  instant: () => instant,
  list: () => z.array(z.string()),
  secret: () =>
    z.string().meta({ description: 'A secret: only for a key with the scope secrets:<type>.' }),
  links: ({ links }) => z.array(links ? linkSchema(links) : z.unknown()),
};

const linkSchema = ({ parts }: Links) =>
  z.object(
    Object.fromEntries(
      parts.map(({ name, isOptional }) => [name, isOptional ? z.string().nullable() : z.string()]),
    ),
  );

function fieldSchema(field: Field): z.ZodType {
  const own = kinds[field.kind]?.(field) ?? z.unknown();
  const isNullable = field.initial === null || field.optional;
  return isNullable ? own.nullable() : own;
}

/** The schema of a row. Its fields are optional, because a document has only the fields that it was written with. */
const rowSchema = (entity: Entity) =>
  z.object({
    id,
    modified_at: instant,
    deleted: z.literal(false),
    ...Object.fromEntries(
      fieldEntries(entity).map(([name, field]) => [
        name,
        fieldSchema(field)
          .meta({ title: labelOf(entity, name) })
          .optional(),
      ]),
    ),
  });

type Override = NonNullable<z.core.JSONSchemaGeneratorParams['override']>;

/**
 * Simplifies a JSON Schema: a value that may be null gets one type list instead of `anyOf`, and
 * limits that hold for every JavaScript integer are removed.
 */
const plain: Override = ({ jsonSchema }) => {
  const [own, other] = jsonSchema.anyOf ?? [];
  if (own && other?.type === 'null') {
    delete jsonSchema.anyOf;
    Object.assign(jsonSchema, { ...own, type: [own.type, 'null'] });
  }
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) {
    delete jsonSchema.minimum;
    delete jsonSchema.maximum;
  }
};

/** Converts one zod schema to a JSON Schema. */
export function jsonSchema(schema: z.ZodType) {
  const { $schema: _draft, ...shown } = z.toJSONSchema(schema, { io: 'input', override: plain });
  return shown;
}

const rows = Object.fromEntries(catalog.map((entity) => [entity.name, rowSchema(entity)]));

const page = (row: z.ZodType) =>
  z.object({ items: z.array(z.union([row, deletion])), next, more: z.boolean() });

const shared = { ...rows, deletion, next, problem };
const pages = Object.fromEntries(
  Object.entries(rows).map(([name, row]) => [`page of ${name}`, page(row)]),
);
const all = jsonSchemas({ ...shared, ...pages });

/** The schemas that the OpenAPI document refers to by name. */
export const components = Object.fromEntries(
  Object.keys(shared).map((name) => [name, all[name] ?? {}]),
);

/** Returns the JSON Schema of a page of rows of an entity. */
export const pageSchema = (entity: Entity) => all[`page of ${entity.name}`] ?? {};

/**
 * Converts zod schemas to JSON Schemas, by name. A schema that contains another named schema refers
 * to it as `#/components/schemas/<name>`.
 */
function jsonSchemas(named: Record<string, z.ZodType>) {
  const registry = z.registry<{ id: string }>();
  for (const [name, schema] of Object.entries(named)) registry.add(schema, { id: name });
  const { schemas } = z.toJSONSchema(registry, {
    io: 'input',
    override: plain,
    uri: (name) => `#/components/schemas/${name}`,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _draft, $id: _uri, ...shown }]) => [
      name,
      shown,
    ]),
  );
}
