// Describes the URLs of the API for datasets, whose clients sign their requests, for the OpenAPI document.
import { z } from 'zod';
import { jobStates } from '../jobs/jobs.ts';
import { orientations } from '../signed-api/page-text.ts';
import { id, instant, jsonSchema } from './schemas.ts';

const json = (schema: z.ZodType) => ({ 'application/json': { schema: jsonSchema(schema) } });
const version = z.int().min(1);
const rows = z.int().min(0);
const cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const next = z.url().nullable();

const listed = z.object({
  datasets: z.array(
    z.object({
      name: z.string(),
      version,
      rows,
      updated: instant,
      structure: z.url(),
      data: z.url(),
    }),
  ),
});
const structure = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  version,
  rows,
});
const page = z.union([
  z.object({ headers: z.array(z.string()), values: z.array(z.array(cell)), next }),
  z.object({ results: z.array(z.record(z.string(), cell)), next }),
]);
const number = z.int().min(1);
const runs = z.object({
  runs: z.array(z.object({ source: z.string(), job: number, new: z.boolean(), url: z.url() })),
});
const run = z.object({
  job: number,
  source: z.string(),
  state: z.enum(jobStates),
  doing: z.string(),
  problem: z.string().nullable(),
  requested: instant,
  started: instant.nullable(),
  ended: instant.nullable(),
  report: z
    .object({
      found: z.int(),
      fetched: z.int(),
      loaded: z.int(),
      rows: z.int(),
      failed: z.int(),
      differing: z.int(),
      failures: z.array(z.object({ name: z.string(), reason: z.string(), message: z.string() })),
    })
    .nullable(),
});
const refused = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

const statuses = {
  401: 'The signature is missing, wrong, stale or was used before; the code says which. When it is stale, WWW-Authenticate has the time of the server (ts, tsm).',
  403: 'The key lacks the scope, which is named.',
  404: 'There is no such dataset or version for this key.',
  410: 'version_gone: the version was replaced and deleted. Start again without version.',
  413: 'The body is larger than 64 kB.',
  415: 'The body is compressed.',
  422: 'A parameter does not fit; the message names it.',
  429: 'Too many requests of this client, or wrong signatures from this address: try again after Retry-After seconds.',
  426: 'The database is of another version than the program.',
  503: 'A server does not answer or is being updated: try again after Retry-After seconds.',
};
const refusals = (...wanted: (keyof typeof statuses)[]) =>
  Object.fromEntries(
    wanted.map((status) => [status, { description: statuses[status], content: json(refused) }]),
  );

const parameter = (name: string, place: 'path' | 'query', schema: z.ZodType, description = '') => ({
  name,
  in: place,
  ...(place === 'path' ? { required: true } : {}),
  schema: jsonSchema(schema),
  ...(description === '' ? {} : { description }),
});
const namePart = z.string().regex(/^[a-z][a-z0-9_]{0,29}$/);
const address = [parameter('organisation', 'path', namePart), parameter('name', 'path', namePart)];
const versioned = parameter('version', 'query', version, 'Without it: the current one.');

const security = [{ hawk: [] }];
const signed = {
  'Server-Authorization': {
    schema: { type: 'string' },
    description: 'The HAWK signature of the answer, before compression.',
  },
};
const found = (description: string, schema: z.ZodType) => ({
  description,
  headers: signed,
  content: json(schema),
});

export const hawkScheme = {
  type: 'http',
  scheme: 'hawk',
  description: 'HAWK with sha256: each request is signed. See docs/signed-api.md.',
};

export const datasetPaths = {
  '/api/v1/table-data': {
    get: {
      operationId: 'list_datasets',
      summary: 'Datasets that the key may read',
      security,
      responses: {
        200: found('The datasets with their current version.', listed),
        ...refusals(401, 422, 426, 429, 503),
      },
    },
  },
  '/api/v1/table-structure/{organisation}/{name}': {
    get: {
      operationId: 'read_dataset_structure',
      summary: 'Columns of a dataset',
      security,
      parameters: [...address, versioned],
      responses: {
        200: found(
          'Columns with types: INTEGER, NUMERIC, REAL, BOOLEAN, DATE, TIMESTAMP or TEXT.',
          structure,
        ),
        ...refusals(401, 403, 404, 410, 422, 426, 429, 503),
      },
    },
  },
  '/api/v1/table-data/{organisation}/{name}': {
    get: {
      operationId: 'read_dataset',
      summary: 'A page of rows',
      security,
      parameters: [
        ...address,
        parameter('orientation', 'query', z.enum(orientations).default('tabular')),
        parameter('next-id', 'query', id, 'The first row of the page; part of “next”.'),
        versioned,
      ],
      responses: {
        200: found(
          'Up to 1,000 rows. Follow “next” until it is null: it names the version, so all pages are of one.',
          page,
        ),
        ...refusals(401, 403, 404, 410, 422, 426, 429, 503),
      },
    },
  },
  '/api/v1/source-runs': {
    post: {
      operationId: 'run_sources',
      summary: 'Run a source, or all active ones',
      description: 'The hash of the body is required. Up to 64 kB.',
      security,
      requestBody: {
        content: json(z.strictObject({ source: z.union([z.string(), number]).optional() })),
      },
      responses: {
        202: found('The jobs.', runs),
        200: found('All of them were running already.', runs),
        ...refusals(401, 403, 404, 413, 415, 422, 426, 429, 503),
      },
    },
  },
  '/api/v1/source-runs/{number}': {
    get: {
      operationId: 'read_source_run',
      summary: 'How far a run of a source is',
      security,
      parameters: [parameter('number', 'path', number)],
      responses: {
        200: found('The run; its report when it has ended.', run),
        ...refusals(401, 403, 404, 422, 426, 429, 503),
      },
    },
  },
};
