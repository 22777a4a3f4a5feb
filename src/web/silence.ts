// A page never waits for a silent server of its own environment: a request that takes long asks both databases the
// shortest question, and ends with a sentence when one does not answer.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express';
import { first, sql } from '../database/sql.ts';
import { timeouts } from '../database/timeouts.ts';
import { unwillingness } from '../database/unwillingness.ts';
import type { App } from '../environments/app.ts';
import { inTime, TooLate } from '../in-time.ts';

/** A database of this environment was silent for so long that a request was ended. */
export class Silence extends TooLate {
  /** What was being saved may still arrive there. */
  readonly mayBeSaved: boolean;

  constructor(mayBeSaved: boolean) {
    super('A database of this environment is silent');
    this.mayBeSaved = mayBeSaved;
  }
}

const saving = new WeakSet<Request>();
const ended = new WeakSet<Request>();

/** Whether the request was ended: its own answer, or its own failure, comes too late. */
export const isEnded = (req: Request): boolean => ended.has(req);

/** Ends requests by `answer` while a database is silent; slow ones of databases that answer go on. */
export const watchSilence = (answer: ErrorRequestHandler) =>
  function watchSilence(req: Request, res: Response, next: NextFunction) {
    let timer: NodeJS.Timeout | undefined;
    const isOver = () => res.headersSent || res.closed;
    const watch = () => {
      timer = setTimeout(() => {
        endIfSilent().catch((error: unknown) => {
          // Its own answer may have been faster after all.
          if (!isOver()) next(error);
        });
      }, timeouts.slow);
    };
    const endIfSilent = async () => {
      const isSilent = !isOver() && (await isAnySilent(req.here));
      if (isOver()) return;
      if (!isSilent) return watch();
      ended.add(req);
      await answer(new Silence(saving.has(req)), req, res, next);
    };
    watch();
    res.once('close', () => clearTimeout(timer));
    next();
  };

/** From here on something may be saved. */
export function beginSaving(req: Request, _res: Response, next: NextFunction) {
  // Its sender knows that it was not saved, so it must not be.
  if (isEnded(req)) return;
  saving.add(req);
  next();
}

/** One question for all requests that wait. */
const asked = new WeakMap<object, Promise<boolean>>();

function isAnySilent(here: App): Promise<boolean> {
  const known = asked.get(here.sql);
  if (known) return known;
  const answer = askBoth(here).finally(() => asked.delete(here.sql));
  asked.set(here.sql, answer);
  return answer;
}

async function askBoth({ sql: readers, writers, documents }: App): Promise<boolean> {
  const over = new AbortController();
  const answerOf = (ask: () => Promise<unknown>) => untilAnswered(ask, over.signal);
  const answers = Promise.all([
    // One of the pools may be busy with long statements.
    Promise.race([readers, writers].map((pool) => answerOf(() => first(pool, sql`select 1`)))),
    answerOf(() => documents.command({ ping: 1 })),
  ]);
  try {
    await inTime(timeouts.silence, answers);
    return false;
  } catch {
    return true;
  } finally {
    over.abort();
  }
}

const AGAIN_MS = 100;

/** A refusal is an answer; a connection that fails is none. */
async function untilAnswered(ask: () => Promise<unknown>, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const error: unknown = await ask().then(
      () => null,
      (failure: unknown) => failure,
    );
    if (unwillingness(error) !== 'away') return;
    await sleep(AGAIN_MS);
  }
}
