// A page never waits for a silent server of its own environment: a request that takes long pings both databases, and
// ends with an error message when one does not answer.
import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express';
import { timeouts } from '../database/timeouts.ts';
import { askDatabases } from '../environments/own-databases.ts';
import { TooLate } from '../in-time.ts';

/** A database of this environment was silent for so long that the request was ended. */
export class Silence extends TooLate {
  /** Whether the database may still execute the interrupted save. */
  readonly mayBeSaved: boolean;

  constructor(mayBeSaved: boolean) {
    super('A database of this environment is silent');
    this.mayBeSaved = mayBeSaved;
  }
}

const saving = new WeakSet<Request>();
const ended = new WeakSet<Request>();

/** Whether the request was already ended: a later result or error is then dropped. */
export const isEnded = (req: Request): boolean => ended.has(req);

/** Ends requests with `answer` while a database is silent; slow requests of responsive databases go on. */
export const watchSilence = (answer: ErrorRequestHandler) =>
  function watchSilence(req: Request, res: Response, next: NextFunction) {
    let timer: NodeJS.Timeout | undefined;
    const isOver = () => res.headersSent || res.closed;
    const watch = () => {
      timer = setTimeout(() => {
        endIfSilent().catch((error: unknown) => {
          // The request’s own answer may have been sent before the timeout was handled.
          if (!isOver()) next(error);
        });
      }, timeouts.slow);
    };
    const endIfSilent = async () => {
      if (isOver()) return;
      const { silent } = await askDatabases(req.here, timeouts.silence);
      if (isOver()) return;
      if (silent === null) return watch();
      ended.add(req);
      await answer(new Silence(saving.has(req)), req, res, next);
    };
    watch();
    res.once('close', () => clearTimeout(timer));
    next();
  };

/** Marks that from here on the request may write, so an interruption leaves the outcome uncertain. */
export function beginSaving(req: Request, _res: Response, next: NextFunction) {
  // The sender was told that nothing was saved, so the request must not write now.
  if (isEnded(req)) return;
  saving.add(req);
  next();
}
