// The check /readyz: reports whether MySQL, MongoDB, Redis and the database version are in order. Anyone may read the
// report, so the servers’ own error messages are only logged.
import type { Request, Response } from 'express';
import { run, sql } from '../database/sql.ts';
import { timeouts } from '../database/timeouts.ts';
import { unwillingness } from '../database/unwillingness.ts';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { briefly } from '../environments/unreachable.ts';
import { inTime } from '../in-time.ts';
import { explain } from '../version/compatibility.ts';

/**
 * Sends the state of MySQL, MongoDB, Redis and the database version. The status is 503 if one of
 * them is not in order, for example unreachable or read-only.
 */
export async function ready(req: Request, res: Response) {
  const { here, redis } = req;
  const [mysql, mongodb, redisState, version] = await Promise.all([
    stateOf(here, 'MySQL', takeRow(here)),
    stateOf(here, 'MongoDB', takeDocument(here)),
    stateOf(here, 'Redis', takeKey(here, redis)),
    versionOf(here),
  ]);
  const answers = { mysql, mongodb, redis: redisState, version };
  const isReady = Object.values(answers).every((answer) => answer === 'OK');
  res.status(isReady ? 200 : 503).json(answers);
}

async function stateOf({ log }: App, part: string, asked: Promise<unknown>): Promise<string> {
  try {
    await inTime(timeouts.page, asked);
    return 'OK';
  } catch (error) {
    log.warn({ err: error, part }, 'not ready');
    const kind = unwillingness(error);
    return kind === null ? 'does not work' : briefly[kind];
  }
}

async function versionOf({ compatibility }: App): Promise<string> {
  const standing = await inTime(timeouts.page, compatibility()).catch(() => null);
  if (standing === null) return 'cannot be read';
  return standing.kind === 'open' ? 'OK' : explain(standing);
}

/**
 * Runs an UPDATE that matches no row, to find out whether MySQL is read-only: a read-only server
 * refuses this statement like any other write.
 */
const takeRow = ({ sql: pool }: App) =>
  run(pool, sql`update clock set instant = instant where name = 'readiness'`);

const takeDocument = ({ documents }: App) =>
  documents.collection<{ _id: string }>('readiness').deleteOne({ _id: 'readiness' });

const takeKey = ({ name }: App, redis: Redis) =>
  redis.set(`oneway:${name}:readiness`, 'OK', { EX: 10 });
