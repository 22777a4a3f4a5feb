// Builds the OpenAPI 3.1 document of the API for apps from the catalogue.
import { z } from 'zod';
import type { Entity } from '../catalog/entity.ts';
import { catalog, matchedByNameLabel, travelling } from '../catalog/index.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import { promotionOrder } from '../catalog/order.ts';
import { accountPaths, accountScheme } from './account-paths.ts';
import { datasetPaths, hawkScheme } from './dataset-paths.ts';
import { components, id, instant, jsonSchema, pageSchema } from './schemas.ts';

/**
 * The entities in the order in which an app should poll them: tasks before the forms that they
 * refer to. A form is written before its tasks, so the later poll of forms delivers the form of
 * every task that the app has read.
 */
export const readingOrder = promotionOrder(travelling)
  .toReversed()
  .map(({ name }) => name);

/** The most items on one page of the feed (the changed rows that an app polls). */
export const LIMIT = 1000;

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: object) => ({ 'application/json': { schema } });

const problem = (description: string) => ({ description, content: json(ref('problem')) });
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
          schema: jsonSchema(instant),
          description: 'Only what was changed later. Without it: everything.',
        },
        {
          name: 'after',
          in: 'query',
          schema: jsonSchema(z.int().min(0)),
          description:
            'With modified_after: also what was changed in that very instant and has a higher id.',
        },
        {
          name: 'certain_up_to',
          in: 'query',
          schema: jsonSchema(instant),
          description: 'Part of “next” while rows are being written: carried from page to page.',
        },
        {
          name: 'limit',
          in: 'query',
          schema: jsonSchema(z.int().min(1).max(LIMIT).default(100)),
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
          content: json(pageSchema(entity)),
        },
        ...problems(304, 401, 403, 422, 426, 503),
      },
    },
  },
  [`/api/v1/${entity.name}/{id}`]: {
    get: {
      operationId: `read_${entity.name}`,
      summary: `One ${entity.label.one.toLowerCase()}`,
      parameters: [{ name: 'id', in: 'path', required: true, schema: jsonSchema(id) }],
      responses: {
        200: { description: 'The row.', content: json(ref(entity.name)) },
        410: { description: 'It was deleted.', content: json(ref('deletion')) },
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
    ...datasetPaths,
    ...accountPaths,
    '/api/v1/objects/{name}': {
      get: {
        operationId: 'read_object',
        summary: 'An icon or image',
        description:
          'For keys that read a type with images. Which type shows an image is not looked up: a name is the hash of the image, and known only from a row that shows it.',
        parameters: [
          {
            name: 'name',
            in: 'path',
            required: true,
            schema: jsonSchema(z.string().regex(/^[0-9a-f]{64}\.(png|jpg|gif|webp)$/)),
          },
        ],
        responses: {
          200: {
            description: 'Its content. It never changes under this name.',
            content: Object.fromEntries(
              ['png', 'jpeg', 'gif', 'webp'].map((type) => [`image/${type}`, {}]),
            ),
          },
          ...problems(304, 401, 403, 404, 426, 503),
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
            content: json(
              jsonSchema(z.object({ databaseVersion: z.string(), isUpdating: z.boolean() })),
            ),
          },
          ...problems(304, 503),
        },
      },
    },
  },
  components: {
    securitySchemes: {
      key: { type: 'http', scheme: 'bearer' },
      hawk: hawkScheme,
      account: accountScheme,
    },
    schemas: components,
  },
});
