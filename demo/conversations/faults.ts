// What can be wrong with Conversations and its store, on demand.
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
   * What it happens to: a pattern for `GET /accounts/a-1`, `GET /media/a-1/f-7`, and in the store `Query messages a-1`,
   * `QueryKeys messages a-1` (keys only), `GetItem messages a-1 <position>`, `BatchGetItem threads a-1 t-1`, and for each
   * record of an answer `Query messages a-1 <position>`.
   */
  match: RegExp;
  name: FaultName;
  /** How often it happens; for ever by default. */
  count: number | null;
  /** Where a redirect leads. */
  to: string;
  /** How long a slow answer takes. */
  ms: number;
  /** How often it has happened. */
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

/** A fault as `POST /faults` takes it. */
export const faultSchema = z.object({
  match: z.string().transform((text) => new RegExp(text)),
  name: z.enum(faultNames),
  count: z.number().int().min(1).nullable().default(null),
  to: z.string().default('/'),
  ms: z.number().default(100),
});

/** The fault of the first line that has one; it is used up once. */
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

/** How a kind of server says what is wrong. */
export type Errors = Partial<Record<FaultName, Answer>>;

/** Sends an answer, or what the fault makes of it. */
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

/** Answers without a length, and goes on until the client has enough. */
async function endless(res: ServerResponse) {
  res.writeHead(200, { 'Content-Type': 'application/octet-stream' });
  const part = Buffer.alloc(1_000_000, 'endless ');
  while (!res.destroyed) {
    res.write(part);
    await sleep(2);
  }
}
