// OpenAPI 3.1 of the apps' API, derived from the catalogue.
import { fieldEntries, labelOf, type Entity } from '../catalog/entity.ts';
import { catalog, matchedByNameLabel, travelling } from '../catalog/index.ts';
import type { Field, Links } from '../catalog/fields.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import { promotionOrder } from '../catalog/order.ts';

/** Referring entities first: a reader in this order never has a task without its form. */
export const readingOrder = promotionOrder(travelling)
  .toReversed()
  .map(({ name }) => name);

/** Maximum items per page. */
export const LIMIT = 1000;

type Schema = Record<string, unknown>;
const ref = (name: string) => ({ $ref: `#/components/${name}` });
const json = (schema: Schema) => ({ 'application/json': { schema } });
const id = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
const instant = { type: 'string', format: 'date-time' };

const kinds: Record<string, (field: Field) => Schema> = {
  text: () => ({ type: 'string' }),
  'long-text': () => ({ type: 'string' }),
  link: () => ({ type: 'string' }),
  choice: ({ choices }) => ({ type: 'string', examples: choices }),
  flag: () => ({ type: 'boolean' }),
  integer: () => ({ type: 'integer' }),
  reference: ({ to }) => ({ ...id, description: `The id of a ${to}.` }),
  image: () => ({ type: 'string', description: 'A name for /api/v1/objects/{name}.' }),
  instant: () => instant,
  list: () => ({ type: 'array', items: { type: 'string' } }),
  links: ({ links }) => ({ type: 'array', items: links ? linkSchema(links) : {} }),
};

const linkSchema = ({ parts }: Links): Schema => ({
  type: 'object',
  required: parts.map(({ name }) => name),
  properties: Object.fromEntries(
    parts.map(({ name, isOptional }) => [
      name,
      { type: isOptional ? ['string', 'null'] : 'string' },
    ]),
  ),
});

function schemaOf(field: Field): Schema {
  const own = kinds[field.kind]?.(field) ?? {};
  const isNullable = field.initial === null || field.optional;
  return isNullable && typeof own['type'] === 'string'
    ? { ...own, type: [own['type'], 'null'] }
    : own;
}

const rowSchema = (entity: Entity): Schema => ({
  type: 'object',
  required: ['id', 'modified_at', 'deleted'],
  properties: {
    id,
    modified_at: instant,
    deleted: { const: false },
    ...Object.fromEntries(
      fieldEntries(entity).map(([name, field]) => [
        name,
        { title: labelOf(entity, name), ...schemaOf(field) },
      ]),
    ),
  },
});

const problem = (description: string) => ({ description, content: json(ref('schemas/problem')) });
const problems = (...statuses: (keyof typeof responses)[]) =>
  Object.fromEntries(statuses.map((status) => [status, responses[status]]));

const responses = {
  304: { description: 'Nothing changed since the ETag that was sent.' },
  401: problem('No valid key.'),
  403: problem('The key lacks the scope, which is named.'),
  429: problem('Too many wrong keys from this address.'),
  404: problem('There is no such thing.'),
  422: problem('A parameter does not fit; the message names it.'),
  426: problem('The database is of another version than the program.'),
  503: problem(
    'A database does not answer or is being updated: try again after Retry-After seconds.',
  ),
};

const pathsOf = (entity: Entity) => ({
  [`/api/v1/${entity.name}`]: {
    get: {
      operationId: `list_${entity.name}`,
      summary: `${entity.label.many} in the order in which they were changed`,
      parameters: [
        {
          name: 'modified_after',
          in: 'query',
          schema: instant,
          description: 'Only what was changed later. Without it: everything.',
        },
        {
          name: 'after',
          in: 'query',
          schema: { type: 'integer', minimum: 0, maximum: id.maximum },
          description:
            'With modified_after: also what was changed in that very instant and has a higher id.',
        },
        {
          name: 'certain_up_to',
          in: 'query',
          schema: instant,
          description: 'Part of “next” while rows are being written: carried from page to page.',
        },
        {
          name: 'limit',
          in: 'query',
          schema: { type: 'integer', minimum: 1, maximum: LIMIT, default: 100 },
        },
      ],
      responses: {
        200: {
          description:
            'A page, deletions included. Follow “next” until “more” is false, and poll from there.',
          headers: {
            ETag: { schema: { type: 'string' } },
            Link: { schema: { type: 'string' }, description: 'rel="next" where there is more.' },
          },
          content: json({
            type: 'object',
            required: ['items', 'next', 'more'],
            properties: {
              items: {
                type: 'array',
                items: { anyOf: [ref(`schemas/${entity.name}`), ref('schemas/deletion')] },
              },
              next: ref('schemas/next'),
              more: { type: 'boolean' },
            },
          }),
        },
        ...problems(304, 401, 403, 422, 426, 503),
      },
    },
  },
  [`/api/v1/${entity.name}/{id}`]: {
    get: {
      operationId: `read_${entity.name}`,
      summary: `One ${entity.label.one.toLowerCase()}`,
      parameters: [{ name: 'id', in: 'path', required: true, schema: id }],
      responses: {
        200: { description: 'The row.', content: json(ref(`schemas/${entity.name}`)) },
        410: { description: 'It was deleted.', content: json(ref('schemas/deletion')) },
        ...problems(304, 401, 403, 404, 426, 503),
      },
    },
  },
});

export const describe = (address: string, environment: string) => ({
  openapi: '3.1.0',
  info: {
    title: `Oneway, ${environment}`,
    version: '1',
    description: `Metadata as the apps read it. To follow what changes, read the types in this order, each until “more” is false, and keep “next”: ${readingOrder.join(', ')}. Rows have the same id in every environment; “modified_at” is when a row came here. References are ids, ${lowerFirst(matchedByNameLabel)} are names.`,
  },
  servers: [{ url: address }],
  security: [{ key: [] }],
  paths: {
    ...Object.assign({}, ...catalog.map(pathsOf)),
    '/api/v1/objects/{name}': {
      get: {
        operationId: 'read_object',
        summary: 'An icon or image',
        parameters: [
          {
            name: 'name',
            in: 'path',
            required: true,
            schema: { type: 'string', pattern: '^[0-9a-f]{64}\\.(png|jpg|gif|webp)$' },
          },
        ],
        responses: {
          200: {
            description: 'Its content. It never changes under this name.',
            content: Object.fromEntries(
              ['png', 'jpeg', 'gif', 'webp'].map((type) => [`image/${type}`, {}]),
            ),
          },
          ...problems(304, 401, 404, 426, 503),
        },
      },
    },
    '/api/v1/metadata': {
      get: {
        operationId: 'read_metadata',
        summary: 'The version of the database, and whether it is being updated',
        security: [],
        responses: {
          200: {
            description: 'The version.',
            content: json({
              type: 'object',
              required: ['databaseVersion', 'isUpdating'],
              properties: {
                databaseVersion: { type: 'string' },
                isUpdating: { type: 'boolean' },
              },
            }),
          },
          ...problems(304, 503),
        },
      },
    },
  },
  components: {
    securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    schemas: {
      ...Object.fromEntries(catalog.map((entity) => [entity.name, rowSchema(entity)])),
      deletion: {
        type: 'object',
        required: ['id', 'modified_at', 'deleted'],
        properties: { id, modified_at: instant, deleted: { const: true } },
      },
      next: {
        type: 'object',
        required: ['modified_after', 'after', 'href'],
        properties: {
          modified_after: instant,
          after: { type: 'integer' },
          href: { type: 'string' },
        },
      },
      problem: {
        type: 'object',
        required: ['error'],
        properties: {
          error: {
            type: 'object',
            required: ['message'],
            properties: {
              status: { type: 'integer' },
              code: { type: 'string' },
              message: { type: 'string' },
            },
          },
        },
      },
    },
  },
});
