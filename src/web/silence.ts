// Ends a request when a database of this environment (MySQL or MongoDB) does not respond. While a request takes long,
// both databases are pinged. The request ends with an error message if one of them does not respond, or has been slow
// for too long.
import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express';
import { timeouts } from '../database/timeouts.ts';
import { askDatabases, type OwnDatabase } from '../environments/own-databases.ts';
import { TooLate } from '../in-time.ts';

/**
 * Thrown when a request is ended because a database of this environment was silent, or slow, for
 * too long.
 */
export class Silence extends TooLate {
  readonly server: OwnDatabase;
  readonly isSlow: boolean;
  /** Whether the database may still finish the save that the request was waiting for. */
  readonly mayBeSaved: boolean;

  constructor({ server, isSlow, mayBeSaved }: Pick<Silence, 'server' | 'isSlow' | 'mayBeSaved'>) {
    super(`${server} of this environment is ${isSlow ? 'slow' : 'silent'}`);
    this.server = server;
    this.isSlow = isSlow;
    this.mayBeSaved = mayBeSaved;
  }
}

const saving = new WeakSet<Request>();
const ended = new WeakSet<Request>();

/**
 * Whether a request was ended because a database was silent. What the handler of such a request
 * still returns or throws is dropped.
 */
export const isEnded = (req: Request): boolean => ended.has(req);

/**
 * Returns the middleware that ends a request, by calling `answer`, when a database is silent. A
 * long request continues as long as both databases respond.
 */
export const watchSilence = (answer: ErrorRequestHandler) =>
  function watchSilence(req: Request, res: Response, next: NextFunction) {
    const last = performance.now() + longestOf(req);
    let timer: NodeJS.Timeout | undefined;
    const isOver = () => res.headersSent || res.closed;
    const watch = () => {
      const left = Math.max(0, last - performance.now());
      const look = () => {
        endIfSilent().catch((error: unknown) => {
          // Ignores the error if the handler has sent its response meanwhile.
          if (!isOver()) next(error);
        });
      };
      timer = setTimeout(look, left > 0 ? Math.min(timeouts.slow, left) : timeouts.slow);
    };
    const endIfSilent = async () => {
      if (isOver()) return;
      const { server, milliseconds } = await askDatabases(req.here, timeouts.silence);
      if (isOver()) return;
      const isSlow = milliseconds >= timeouts.slowAnswer && performance.now() >= last;
      const isSilent = milliseconds === Infinity;
      if (!isSilent && !isSlow) return watch();
      ended.add(req);
      const silence = new Silence({ server, isSlow: !isSilent, mayBeSaved: saving.has(req) });
      await answer(silence, req, res, next);
    };
    watch();
    res.once('close', () => clearTimeout(timer));
    next();
  };

const longestOf = ({ method }: Request) =>
  method === 'POST' ? timeouts.slowSave : timeouts.slowPage;

/**
 * Middleware that notes that the request may write from now on. If such a request is ended later,
 * its error message says that the outcome of the save is uncertain.
 */
export function beginSaving(req: Request, _res: Response, next: NextFunction) {
  // The user has already been told that nothing was saved, so the request must not continue and
  // write.
  if (isEnded(req)) return;
  saving.add(req);
  next();
}
