// Describes the URLs of account migrations for the OpenAPI document.
import { z } from 'zod';
import { accountSchema, accountsSchema } from '../account-moves/api-view.ts';
import {
  accountsQuery,
  additionBody,
  checkQuery,
  confirmationBody,
  migrateBody,
  startBody,
} from '../account-moves/api-requests.ts';
import { channelsSchema, messagesSchema, threadsSchema } from '../inbox/api-view.ts';
import { PLACE } from '../inbox/places.ts';
import { jsonSchema, problem } from './schemas.ts';

const json = (schema: z.ZodType) => ({ 'application/json': { schema: jsonSchema(schema) } });
const refused = (description: string) => ({ description, content: json(problem) });

const responses = {
  400: refused('The body is no JSON.'),
  401: refused('No valid token or key; the message says what is wrong with it.'),
  403: refused('An app may not do this, or the key lacks the scope account-moves.'),
  404: refused('There is no such account (or thread, or attachment) for this caller.'),
  409: refused('The migration has not come that far.'),
  413: refused('The body is larger than 64 kB.'),
  415: refused('The body is compressed, or not announced as application/json.'),
  422: refused('A field does not fit; the message names it.'),
  426: refused('The database is of another version than the program.'),
  429: refused('Too many wrong tokens and keys from this address.'),
  503: refused(
    'The older system, a database or the issuer of tokens does not answer: try again after Retry-After seconds.',
  ),
};
type Status = keyof typeof responses;
const problems = (...statuses: Status[]) =>
  Object.fromEntries(statuses.map((status) => [status, responses[status]]));
const always: Status[] = [401, 403, 404, 422, 426, 429, 503];
const posting: Status[] = [400, 413, 415];

/**
 * Who may call: an app with the token of its account, or a program with an API key. Some requests
 * accept only an API key.
 */
const security = [{ account: [] }, { key: [] }];
const byKey = [{ key: [] }];

const account = (description: string) => ({ description, content: json(accountSchema) });
const body = (schema: z.ZodType) => ({ required: true, content: json(schema) });

const inPath = (name: string, description: string) => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string' },
});
const theAccount = inPath('id', 'The id of the account in the older system.');

const inQuery = (schema: z.ZodObject) =>
  Object.entries(schema.shape).map(([name, own]) => ({
    name,
    in: 'query',
    required: false,
    description: descriptions[name],
    schema: jsonSchema(own as z.ZodType),
  }));
const descriptions: Record<string, string> = {
  account_id: 'With a key: which account.',
  after: 'From the link “next”.',
};
const before = {
  name: 'before',
  in: 'query',
  required: false,
  description: 'From the link “next”: older than this.',
  schema: jsonSchema(z.string().regex(PLACE)),
};

/** Describes a GET request that lists records of an account, 50 a page. */
const reads = (operationId: string, summary: string, schema: z.ZodType, parameters: object[]) => ({
  get: {
    operationId,
    summary,
    security,
    parameters,
    responses: { 200: { description: summary, content: json(schema) }, ...problems(...always) },
  },
});

/** Describes a POST request that starts or continues the migration of an account. */
const requests = (
  operationId: string,
  of: { summary: string; security: object[]; body: object },
) => ({
  post: {
    operationId,
    summary: of.summary,
    security: of.security,
    requestBody: of.body,
    responses: {
      200: account('Nothing was begun: it is under way, completed, or not needed.'),
      202: account('It begins or continues. Poll after poll_after_ms.'),
      ...problems(...always, ...posting),
    },
  },
});

export const accountPaths = {
  '/api/v1/accounts': {
    get: {
      operationId: 'list_accounts',
      summary: 'The account of the app; with a key the one that is named, or all, 50 a page',
      security,
      parameters: inQuery(accountsQuery),
      responses: {
        200: {
          description: 'The account, or a page of accounts.',
          content: json(z.union([accountSchema, accountsSchema])),
        },
        ...problems(...always),
      },
    },
    post: {
      operationId: 'add_account',
      summary: 'Adds an account with its WebChat channel, before anything is migrated',
      security: byKey,
      requestBody: body(additionBody),
      responses: {
        200: account('It was here.'),
        201: account('It was added.'),
        ...problems(...always, ...posting),
      },
    },
  },
  '/api/v1/accounts/{id}': {
    post: {
      operationId: 'confirm_account',
      summary: 'Confirms that the migration has come as far as a status; changes nothing',
      security: byKey,
      parameters: [theAccount],
      requestBody: body(confirmationBody),
      responses: {
        200: account('It has come that far.'),
        ...problems(...always, ...posting, 409),
      },
    },
  },
  '/api/v1/start-migration': requests('start_migration', {
    summary: 'Starts the whole migration of an account',
    security,
    // An app sends no body, because its token names the account.
    body: { required: false, content: json(startBody) },
  }),
  '/api/v1/migrate': requests('migrate', {
    summary: 'Starts a migration or a part of it, from the store or from a dump',
    security: byKey,
    body: body(migrateBody),
  }),
  '/api/v1/check-migration': {
    get: {
      operationId: 'check_migration',
      summary: 'How far the migration of an account is',
      security,
      parameters: inQuery(checkQuery),
      responses: { 200: account('The account.'), ...problems(...always) },
    },
  },
  '/api/v1/accounts/{id}/channels': reads('list_channels', 'Its channels', channelsSchema, [
    theAccount,
  ]),
  '/api/v1/accounts/{id}/threads': reads(
    'list_threads',
    'Its threads, newest first',
    threadsSchema,
    [theAccount, before],
  ),
  '/api/v1/accounts/{id}/threads/{thread}/messages': reads(
    'list_messages',
    'The messages of a thread, newest first',
    messagesSchema,
    [theAccount, inPath('thread', 'The id of the thread.'), before],
  ),
  '/api/v1/accounts/{id}/messages/{position}/attachments/{attachment}': {
    get: {
      operationId: 'read_attachment',
      summary: 'The content of an attachment, as a file to save',
      security,
      parameters: [
        theAccount,
        inPath('position', 'Time and id of the message: take the address from its list.'),
        inPath('attachment', 'The id of the attachment.'),
      ],
      responses: {
        200: { description: 'Its content.', content: { 'application/octet-stream': {} } },
        ...problems(...always),
      },
    },
  },
};

/** How an app authenticates: with a token that names its account. */
export const accountScheme = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description: 'The token of a shopper’s app, whose claim account_id names its account.',
};
