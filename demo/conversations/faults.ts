// The faults that the demo and the tests can switch on in Conversations and its store (a DynamoDB server).
import type { ServerResponse } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

export const faultNames = [
  'throttle',
  '500',
  '401',
  '404',
  '410',
  'hang',
  'cut',
  'silent',
  'slow',
  'garbage',
  'endless',
  'redirect',
  'unprocessed',
] as const;
export type FaultName = (typeof faultNames)[number];

export type Fault = {
  /**
   * A pattern for the requests and records to which the fault happens. HTTP requests are matched as
   * `GET /accounts/a-1` or `GET /media/a-1/f-7`; requests to the store as `Query messages a-1`,
   * `QueryKeys messages a-1` (keys only), `GetItem messages a-1 <position>` or `BatchGetItem
   * threads a-1 t-1`; each record of a query’s answer as `Query messages a-1 <position>`.
   */
  match: RegExp;
  name: FaultName;
  /** How many times the fault happens; null (the default) means always. */
  count: number | null;
  /** The URL to which a redirect leads. */
  to: string;
  /** How long a slow answer takes, in milliseconds. */
  ms: number;
  /** How many times the fault has happened. */
  hits: number;
};

export type FaultWanted = Partial<Omit<Fault, 'hits'>> & Pick<Fault, 'match' | 'name'>;

export const fault = (wanted: FaultWanted): Fault => ({
  count: null,
  to: '/',
  ms: 100,
  hits: 0,
  ...wanted,
});

/** The body of `POST /faults`, which switches on a fault. */
export const faultSchema = z.object({
  match: z.string().transform((text) => new RegExp(text)),
  name: z.enum(faultNames),
  count: z.number().int().min(1).nullable().default(null),
  to: z.string().default('/'),
  ms: z.number().default(100),
});

/**
 * Finds the first fault that matches one of the lines that describe a request or its records, and counts one more hit.
 */
export function takeFault(faults: Fault[], lines: string[]): Fault | null {
  const found = faults.find(
    ({ match, count, hits }) =>
      (count === null || hits < count) && lines.some((line) => match.test(line)),
  );
  if (found) found.hits += 1;
  return found ?? null;
}

export type Answer = {
  status: number;
  headers: Record<string, string>;
  body: Buffer | Readable;
};

/** The error answers of one kind of server, such as the API or the store, by the name of the fault. */
export type Errors = Partial<Record<FaultName, Answer>>;

/**
 * Sends the answer. If a fault happens, the answer is delayed, cut off, replaced or never sent, as the fault demands.
 */
export async function send(
  res: ServerResponse,
  answer: Answer,
  errors: Errors,
  happening: Fault | null,
): Promise<void> {
  switch (happening?.name) {
    case 'hang':
      return;
    case 'cut':
    case 'silent': {
      const half = halfOf(answer);
      res.writeHead(answer.status, {
        ...answer.headers,
        'Content-Length': String(2 * half.length),
      });
      res.write(half, () => {
        if (happening.name === 'cut') setTimeout(() => res.destroy(), 10);
      });
      return;
    }
    case 'slow':
      await sleep(happening.ms);
      return sendWhole(res, answer);
    case 'endless':
      return endless(res);
    case 'garbage':
      return sendWhole(res, {
        status: 200,
        headers: { ...answer.headers, 'Content-Type': 'text/html' },
        body: Buffer.from('<!doctype html><title>Maintenance</title>'),
      });
    case 'redirect':
      return sendWhole(res, {
        status: 302,
        headers: { Location: happening.to },
        body: Buffer.alloc(0),
      });
    default:
      return sendWhole(res, (happening && errors[happening.name]) ?? answer);
  }
}

const halfOf = ({ body }: Answer) =>
  Buffer.isBuffer(body) ? body.subarray(0, Math.ceil(body.length / 2)) : Buffer.alloc(1000, 'x');

function sendWhole(res: ServerResponse, { status, headers, body }: Answer) {
  if (Buffer.isBuffer(body)) {
    res.writeHead(status, { ...headers, 'Content-Length': String(body.length) }).end(body);
  } else {
    res.writeHead(status, headers);
    pipeline(body, res, () => {});
  }
}

/** Sends an answer without a length, which does not end until the client closes the connection. */
async function endless(res: ServerResponse) {
  res.writeHead(200, { 'Content-Type': 'application/octet-stream' });
  const part = Buffer.alloc(1_000_000, 'endless ');
  while (!res.destroyed) {
    res.write(part);
    await sleep(2);
  }
}
