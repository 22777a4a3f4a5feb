// The routes of Conversations: its API and media, and the pages and controls of the demo.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { json as jsonOf, text as textOf } from 'node:stream/consumers';
import { z } from 'zod';
import { asJson, unsealed, type Account } from './accounts.ts';
import { accountsPage, appPage, drivingPage, dumped, type PhoneApp } from './app.ts';
import type { Driver } from './drive.ts';
import {
  fault,
  faultSchema,
  send,
  takeFault,
  type Answer,
  type Errors,
  type Fault,
} from './faults.ts';
import { contentOf, largeContent, LARGE_BYTES } from './media.ts';
import type { Wanted } from './records.ts';
import type { Tokens } from './tokens.ts';

export type Asked = { method: string; path: string; headers: IncomingHttpHeaders };

type Parts = {
  accounts: Map<string, Account>;
  faults: Fault[];
  requests: Asked[];
  tokens: Tokens;
  add: (given: Partial<Wanted> & { id: string }) => Promise<Wanted>;
  /** The parameters from which each account was generated, by account id. */
  generated: Map<string, Wanted>;
  /** Calls Oneway as the app of an account; null if Oneway’s URL is not given. */
  app: PhoneApp | null;
  /** Controls migrations in Oneway (drive.ts); null if Oneway’s URL or key is not given. */
  driver: Driver | null;
  url: string;
};

export async function answerTo(parts: Parts, req: IncomingMessage, res: ServerResponse) {
  const { method = 'GET', headers } = req;
  const url = new URL(req.url ?? '/', parts.url);
  const change = changes[`${method} ${url.pathname}`];
  if (change) return send(res, await change(parts, url, req), errors, null);
  const shown = parts.app ? await shownPage(parts, parts.app, method, url) : null;
  if (shown) return send(res, shown, errors, null);
  const path = url.pathname + url.search;
  parts.requests.push({ method, path, headers });
  const happening = takeFault(parts.faults, [`${method} ${path}`]);
  const answer =
    method === 'GET' ? await answered(parts, url, tokenIn(headers)) : status(405, 'Only GET');
  return send(res, answer, errors, happening);
}

/**
 * Returns a page of the demo: all accounts, the app of one account, or the log of a migration that Conversations
 * controls.
 */
async function shownPage(
  { accounts, generated, driver }: Parts,
  app: PhoneApp,
  method: string,
  url: URL,
): Promise<Answer | null> {
  if (url.pathname === '/') {
    const listed = [...accounts.values()].map(({ id, name }) => ({
      id,
      name,
      isOdd: generated.get(id)?.isOdd === true,
    }));
    return html(accountsPage(listed));
  }
  const [, first, id = '', what] = url.pathname.split('/').map(decodeURIComponent);
  if (first === 'driving') return html(drivingPage(id, driver?.log.get(id) ?? []));
  if (first !== 'app') return null;
  const told = async (asked: 'GET' | 'POST', path: string) => {
    const answer = await app.call(id, asked, path).catch(() => ({ status: 503, body: null }));
    return json(200, answer);
  };
  const account = encodeURIComponent(id);
  switch (`${method} ${what ?? ''}`) {
    case 'GET ':
      return html(appPage(id, accounts.get(id)?.name ?? id));
    case 'GET account':
      return told('GET', '/accounts');
    case 'GET threads':
      return told('GET', `/accounts/${account}/threads`);
    case 'POST start':
      return told('POST', '/start-migration');
    default:
      return null;
  }
}

const html = (page: string): Answer => ({
  status: 200,
  headers: { 'Content-Type': 'text/html; charset=utf-8' },
  body: Buffer.from(page),
});

const tokenIn = ({ authorization = '' }: IncomingHttpHeaders) =>
  /^Bearer (\S+)$/i.exec(authorization)?.[1] ?? '';

async function answered({ accounts, tokens }: Parts, url: URL, token: string): Promise<Answer> {
  const [, first = '', second = '', third = ''] = url.pathname.split('/').map(decodeURIComponent);
  switch (first) {
    case '.well-known':
      return json(200, tokens.jwks);
    case 'accounts':
    case 'get_channels_to_migrate': {
      if (!(await tokens.isCertified(token))) return status(401, 'A certified token is needed');
      const isAccount = first === 'accounts';
      const account = accounts.get(isAccount ? second : (url.searchParams.get('account_id') ?? ''));
      if (!account) return status(404, 'No such account');
      const { id, name, messageCount } = account;
      return isAccount
        ? json(200, { id, name, message_count: messageCount })
        : { status: 200, headers: jsonType, body: unsealed(account.sealed) };
    }
    case 'media': {
      const isOwn = (await tokens.accountOf(token)) === second;
      if (!isOwn && !(await tokens.isCertified(token))) return status(401, 'A token is needed');
      return accounts.has(second) ? media(second, third) : status(404, 'No such account');
    }
    default:
      return status(404, 'No such address');
  }
}

function media(account: string, id: string): Answer {
  if (id === 'large') {
    const headers = { 'Content-Type': 'application/pdf', 'Content-Length': String(LARGE_BYTES) };
    return { status: 200, headers, body: largeContent() };
  }
  const content = contentOf(account, id);
  if (!content) return status(404, 'No such attachment');
  return { status: 200, headers: { 'Content-Type': content.type }, body: content.body };
}

const wantedSchema = z.object({
  id: z.string(),
  name: z.string().optional(),
  messages: z.number().int().optional(),
  perThread: z.number().int().min(1).optional(),
  attachmentEvery: z.number().int().optional(),
  newest: z.coerce.date().optional(),
  gapMs: z.number().optional(),
  bodyLength: z.number().int().optional(),
  isOdd: z.boolean().optional(),
});

type Change = (parts: Parts, url: URL, req: IncomingMessage) => Promise<Answer>;

/**
 * Requests with which the demo and the tests control Conversations when it runs in its own process.
 */
const changes: Record<string, Change> = {
  'POST /faults': async ({ faults }, _url, req) => {
    faults.push(fault(faultSchema.parse(await jsonOf(req))));
    return json(201, { faults: faults.length });
  },
  'DELETE /faults': async ({ faults }) => {
    faults.splice(0);
    return json(200, { faults: 0 });
  },
  'POST /generated-accounts': async ({ add }, _url, req) => {
    const given = wantedSchema.parse(await jsonOf(req));
    return json(201, await add(given as Partial<Wanted> & { id: string }));
  },
  'POST /mending': async ({ add, generated }, url) => {
    const account = generated.get(url.searchParams.get('account') ?? '');
    if (!account) return status(404, 'No such account');
    await add({ ...account, isOdd: false });
    return { ...json(303, null), headers: { ...jsonType, Location: '/' } };
  },
  'POST /driving': async ({ driver }, url, req) => {
    const account = url.searchParams.get('account') ?? '';
    const isFromDump = (await textOf(req)).includes('dump') && dumped.includes(account);
    driver?.start(account, isFromDump ? `dumps/${account}` : null);
    const Location = `/driving/${encodeURIComponent(account)}`;
    return { ...json(303, null), headers: { ...jsonType, Location } };
  },
  'POST /shopper-tokens': async ({ tokens }, url) =>
    json(201, { token: await tokens.shopper(url.searchParams.get('account_id') ?? '') }),
};

const jsonType = { 'Content-Type': 'application/json' };
const json = (code: number, content: unknown): Answer => ({
  status: code,
  headers: jsonType,
  body: Buffer.from(asJson(content)),
});
const status = (code: number, message: string): Answer => json(code, { error: message });

const errors: Errors = {
  throttle: {
    ...status(429, 'Too many requests'),
    headers: { ...jsonType, 'Retry-After': '1' },
  },
  '500': status(500, 'Internal error'),
  '401': status(401, 'A token is needed'),
  '404': status(404, 'Not found'),
  '410': status(410, 'Gone'),
};
