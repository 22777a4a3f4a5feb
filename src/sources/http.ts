// Sends HTTP requests to a data source. Every URL is checked before its request, including the URL of each redirect, so
// that no source leads into the private network of this server.
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { inTime } from '../in-time.ts';
import { checkedLookup, hostOf, hostsOf, refuseForeign, shown } from './addresses.ts';
import { answerOf, asFailure, deadlines, limited, type Answer } from './answer.ts';
import { FetchFailure } from './failure.ts';
import type { SourceSettings } from './settings.ts';

const REDIRECTS = 5;
/** The most bytes that an index may have. */
const INDEX_LIMIT = 32_000_000;

/**
 * The HTTP client of a data source. `open` streams a response; `text` and `json` read a whole index.
 */
export type Http = {
  open(url: string): Promise<Answer>;
  /** Requests only the headers of a file; returns null if the request fails. */
  headers(url: string): Promise<Pick<Answer, 'size' | 'etag'> | null>;
  text(url: string): Promise<string>;
  json(url: string): Promise<unknown>;
};

/**
 * The parts of a data source that its HTTP client needs: the URL of the index (list of files), the other hosts that
 * files may come from, and the name of the credential that the publisher’s server requires.
 */
type Asked = { url: string; hosts: string; credential: string | null };

/** Creates the HTTP client of a data source. Aborting `signal` cancels the client’s requests. */
export function openHttp(settings: SourceSettings, source: Asked, signal: AbortSignal): Http {
  const hosts = hostsOf(source);
  const authorization = authorizationOf(settings, source);
  const own = new URL(source.url);
  const lookup = checkedLookup(settings);

  const send = async (url: URL, method: string): Promise<IncomingMessage> => {
    // The credential is sent only to the host of the data source’s URL. If that URL is https, the credential is not
    // sent over http.
    const isOwn =
      hostOf(url) === hostOf(own) && (url.protocol === own.protocol || url.protocol === 'https:');
    const headers = {
      Accept: '*/*',
      // Asks for no compression, because a compressed response does not show how large the file is
      // and whether all of it has arrived.
      'Accept-Encoding': 'identity',
      'User-Agent': 'Oneway',
      ...(isOwn && authorization !== null && { Authorization: authorization }),
    };
    const { request } = url.protocol === 'https:' ? https : http;
    const asked = request(url, { method, headers, agent: false, lookup, signal });
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve);
      // The connection may also break after the response has begun. Then this promise is already
      // resolved, and reading the body fails instead.
      asked.on('error', reject);
    });
    asked.end();
    try {
      return await inTime(deadlines.silence, answer);
    } catch (error) {
      asked.destroy();
      throw asFailure(error, url);
    }
  };

  const follow = async (address: string, method: string): Promise<Answer> => {
    let url = addressOf(address);
    for (let redirects = 0; ; redirects += 1) {
      refuseForeign(url, hosts, settings);
      const response = await send(url, method);
      const { statusCode: status = 0 } = response;
      const target = isRedirect(status) ? response.headers.location : undefined;
      if (target === undefined) {
        if (status === 200) return answerOf(url, response);
        response.destroy();
        throw wrongStatus(url, status);
      }
      response.destroy();
      if (redirects === REDIRECTS) {
        throw new FetchFailure(
          'redirect',
          `${shown(url)} leads on and on: more than ${REDIRECTS} redirects.`,
        );
      }
      url = redirected(url, target);
    }
  };

  const text = async (address: string) => {
    const answer = await follow(address, 'GET');
    const parts: Buffer[] = [];
    const limits = { bytes: INDEX_LIMIT, ms: deadlines.index };
    for await (const part of limited(answer, limits)) parts.push(part);
    return Buffer.concat(parts)
      .toString('utf8')
      .replace(/^\ufeff/, '');
  };

  return {
    open: (address) => follow(address, 'GET'),
    headers: async (address) => {
      try {
        const answer = await follow(address, 'HEAD');
        answer.close();
        return answer;
      } catch (error) {
        if (error instanceof FetchFailure) return null;
        throw error;
      }
    },
    text,
    json: async (address) => {
      const found = await text(address);
      try {
        return JSON.parse(found) as unknown;
      } catch {
        throw new FetchFailure(
          'index',
          `${shown(new URL(address))} is not JSON. Check the address and the kind of the source.`,
        );
      }
    },
  };
}

function authorizationOf({ credentials }: SourceSettings, { credential }: Asked): string | null {
  if (credential === null) return null;
  const value = credentials[credential];
  if (value !== undefined) return value;
  throw new FetchFailure(
    'credential',
    `SOURCE_CREDENTIAL_${credential} is not set here. An engineer sets it, or an administrator chooses another credential.`,
  );
}

function addressOf(address: string): URL {
  const url = URL.parse(address);
  if (url) return url;
  throw new FetchFailure('host', `“${address.slice(0, 200)}” is no address of a file.`);
}

const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status);

function redirected(from: URL, target: string): URL {
  const url = URL.parse(target, from.href);
  if (!url) throw new FetchFailure('redirect', `${shown(from)} leads to an address that is none.`);
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    throw new FetchFailure(
      'redirect',
      `${shown(from)} leads to ${shown(url)}, which is not encrypted.`,
    );
  }
  return url;
}

function wrongStatus(url: URL, status: number): FetchFailure {
  const isPassing = status === 408 || status === 425 || status === 429 || status >= 500;
  const remedies: Record<number, string> = {
    401: 'It asks for a credential: an administrator chooses one on the page of the source.',
    403: 'It refuses: check the credential of the source.',
    404: 'The file is not there.',
    410: 'The file is not there any more.',
  };
  const remedy = remedies[status] ?? (isPassing ? 'It is asked again.' : 'Check the address.');
  return new FetchFailure('status', `${shown(url)} answered ${status}. ${remedy}`, { isPassing });
}
