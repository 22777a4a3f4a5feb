// No page waits for a silent server of its own environment. A request that takes long pings both databases; it ends
// with an error message when one of them does not answer, or answers slowly for too long.
import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express';
import { timeouts } from '../database/timeouts.ts';
import { askDatabases, type OwnDatabase } from '../environments/own-databases.ts';
import { TooLate } from '../in-time.ts';

/** The error of a request that was ended because a database of this environment was silent, or slow, for too long. */
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
 * Whether a request was already ended because a database was silent; what its handler still returns or throws is then
 * dropped.
 */
export const isEnded = (req: Request): boolean => ended.has(req);

/**
 * Returns the middleware that ends requests with `answer` while a database is silent. A long request goes on while
 * its databases answer.
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
          // The handler may have sent its answer just before the timeout was handled.
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

/** Marks that the request may write from here on: if it is ended later, nobody knows whether its data was saved. */
export function beginSaving(req: Request, _res: Response, next: NextFunction) {
  // The sender was already told that nothing was saved, so the request must not write.
  if (isEnded(req)) return;
  saving.add(req);
  next();
}
