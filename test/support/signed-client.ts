// A client of the signed API (whose requests carry a HAWK signature) for tests: it signs requests with the published
// package hawk and sends them over HTTP.
import {
  createServer,
  request as send,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { client } from 'hawk';
import * as credentials from '../../src/access/credentials.ts';
import type { App } from '../../src/environments/app.ts';
import { afterAll, beforeAll, beforeEach } from './hooks.ts';
import type { Site } from './people.ts';

export type Key = { id: string; key: string; algorithm: 'sha256' };

/** Creates a HAWK key with the given scopes. */
export async function hawkKey(here: App, scopes: string[], name = 'Client'): Promise<Key> {
  const wanted = { kind: 'hawk', name, scopes } as const;
  const { publicPart, secret } = await credentials.create(here, 'ops@example.com', wanted);
  return { id: publicPart, key: secret, algorithm: 'sha256' };
}

/** Answers a request in place of the site; returns false to let the site answer. */
export type Fault = (req: IncomingMessage, res: ServerResponse) => boolean;

export type Address = {
  readonly url: string;
  /**
   * The function that answers requests in place of the site; null: the site answers all requests.
   */
  fault: Fault | null;
};

/** Serves a site over HTTP for all tests of a file, and puts the URL of the site into its settings. */
export function useAddress(site: Site): Address {
  let server: Server;
  let url = '';
  let fault: Fault | null = null;
  beforeAll(async () => {
    server = createServer((req, res) => {
      if (!fault?.(req, res)) site.app(req, res);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    site.here.settings.urls[site.here.name] = url;
  });
  afterAll(() => {
    delete site.here.settings.urls[site.here.name];
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    fault = null;
  });
  return {
    get url() {
      return url;
    },
    get fault() {
      return fault;
    },
    set fault(given) {
      fault = given;
    },
  };
}

export type Answer = {
  status: number;
  headers: IncomingHttpHeaders;
  /** The body after decompression. */
  text: string;
  json: { [name: string]: unknown; error?: { code: string; message: string } };
  /** Whether the client could verify the signature of the answer. */
  isSigned: boolean;
};

export type Sent = {
  method?: string;
  body?: string;
  type?: string;
  /** The URL to which the request is sent, if it differs from the signed URL. */
  to?: string;
  /** The body that is sent, if it differs from the signed body. */
  sentBody?: string;
  headers?: Record<string, string>;
  /** Options of the package hawk, such as timestamp, nonce and payload. */
  sign?: Partial<Parameters<typeof client.header>[2]>;
  /** The Authorization header of an earlier request, to replay that request. */
  authorization?: string;
};

/** Signs and sends one request, and verifies the signature of the answer. */
export async function ask(key: Key, url: string, sent: Sent = {}): Promise<Answer> {
  const { method = 'GET', body, type = 'application/json', to = url } = sent;
  const payload = body === undefined ? {} : { payload: body, contentType: type };
  const { header, artifacts } = client.header(url, method, {
    credentials: key,
    ...payload,
    ...sent.sign,
  });
  const answer = await exchange(to, {
    method,
    body: sent.sentBody ?? body,
    headers: {
      authorization: sent.authorization ?? header,
      ...(body === undefined ? {} : { 'content-type': type }),
      ...sent.headers,
    },
  });
  const { headers, text } = answer;
  let isSigned = headers['server-authorization'] !== undefined;
  if (isSigned) {
    try {
      client.authenticate({ headers } as never, key, artifacts, {
        payload: text,
        required: true,
      });
    } catch {
      isSigned = false;
    }
  }
  return { ...answer, json: text === '' ? {} : (JSON.parse(text) as Answer['json']), isSigned };
}

type Exchanged = Pick<Answer, 'status' | 'headers' | 'text'>;

/** Sends a request exactly as given. `fetch` is not used, because it changes the headers Host and Accept-Encoding. */
const exchange = (
  to: string,
  { method, body, headers }: { method: string; body: string | undefined; headers: object },
) =>
  new Promise<Exchanged>((resolve, reject) => {
    const asked = send(to, { method, headers: { ...headers } }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const content = Buffer.concat(parts);
        const isZipped = answer.headers['content-encoding'] === 'gzip' && content.length > 0;
        const text = (isZipped ? gunzipSync(content) : content).toString('utf8');
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });

/**
 * Reads a list from the signed API, whose answers have pages: follows `next` until it is null, and returns the rows of
 * all pages.
 */
export async function allPages(key: Key, first: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for (let url: string | null = first; url !== null;) {
    const { status, json, isSigned } = await ask(key, url);
    if (status !== 200 || !isSigned) throw new Error(`${url}: ${status} ${JSON.stringify(json)}`);
    const page = json as { values?: unknown[]; results?: unknown[]; next: string | null };
    rows.push(...(page.values ?? page.results ?? []));
    url = page.next;
  }
  return rows;
}
