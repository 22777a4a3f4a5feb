// Asks a source over HTTP. Every address, the first and each redirect, is checked before it is asked.
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { inTime } from '../in-time.ts';
import { checkedLookup, hostOf, hostsOf, refuseForeign, shown } from './addresses.ts';
import { answerOf, asFailure, deadlines, limited, type Answer } from './answer.ts';
import { FetchFailure } from './failure.ts';
import type { SourceSettings } from './settings.ts';

const REDIRECTS = 5;
/** The most bytes of an index. */
const INDEX_LIMIT = 32_000_000;

/** Asks a source; `open` streams an answer, `text` reads a whole index. */
export type Http = {
  open(url: string): Promise<Answer>;
  /** Asks for the headers only; null when the source does not give them. */
  headers(url: string): Promise<Pick<Answer, 'size' | 'etag'> | null>;
  text(url: string): Promise<string>;
  json(url: string): Promise<unknown>;
};

/** What a client needs to know of its source: its address, its further hosts, and the name of its credential. */
type Asked = { url: string; hosts: string; credential: string | null };

/** Opens the client for a source, whose requests end when `signal` is aborted. */
export function openHttp(settings: SourceSettings, source: Asked, signal: AbortSignal): Http {
  const hosts = hostsOf(source);
  const authorization = authorizationOf(settings, source);
  const own = new URL(source.url);
  const lookup = checkedLookup(settings);

  const send = async (url: URL, method: string): Promise<IncomingMessage> => {
    // A credential is for the source’s own host, and is not sent unencrypted where the source is encrypted.
    const isOwn =
      hostOf(url) === hostOf(own) && (url.protocol === own.protocol || url.protocol === 'https:');
    const headers = {
      Accept: '*/*',
      // Compression on the way would hide how large an answer becomes, and whether it is whole.
      'Accept-Encoding': 'identity',
      'User-Agent': 'Oneway',
      ...(isOwn && authorization !== null && { Authorization: authorization }),
    };
    const { request } = url.protocol === 'https:' ? https : http;
    const asked = request(url, { method, headers, agent: false, lookup, signal });
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve);
      // The connection may break after the answer has begun; then its body fails, too.
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
