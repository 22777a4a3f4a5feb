// Drops copies (staging databases): copies that people name, copies whose time is over, and copies whose drop was
// interrupted.
import * as audit from '../audit/audit.ts';
import { fromSqlInstant, sql, transaction } from '../database/sql.ts';
import { failpoint } from '../database/failpoints.ts';
import type { App } from '../environments/app.ts';
import { reasonOf } from '../environments/unreachable.ts';
import { Conflict } from '../problems.ts';
import * as copies from './copies.ts';
import type { Copy } from './copies.ts';
import { dropDatabases } from './databases.ts';
import type { Level } from './names.ts';
import { oneByOne } from './one-by-one.ts';

/**
 * The possible results for each name in a request to drop copies (staging databases). `unknown`: this server has made
 * no copy of this name. `not_yours`: the copy belongs to another client (company) or level (purpose, such as lab or
 * test) than the request. `building`: a job is building the copy or migrating its schema. `failed`: the database
 * servers did not respond, or a database lacks the mark of the copy.
 */
export const dropResults = [
  'dropped',
  'unknown',
  'not_yours',
  'protected',
  'building',
  'failed',
] as const;
export type DropResult = (typeof dropResults)[number];
export type NamedResult = { name: string; result: DropResult; problem: string | null };

export type DropRequest = { client: string; level: Level; person: string; names: string[] };

/**
 * Drops the copies (staging databases) with these names, but only those of the client (company) and level (purpose)
 * that the request names. Returns a result for each name.
 */
export async function dropNamed(here: App, wanted: DropRequest): Promise<NamedResult[]> {
  const results: NamedResult[] = [];
  for (const name of wanted.names) {
    const copy = await copies.named(here.sql, name);
    const refusal = refusalOf(copy, wanted);
    if (!copy && (await wasDropped(here, name, wanted))) {
      results.push({ name, result: 'dropped', problem: null });
    } else if (refusal !== null) results.push({ name, result: refusal, problem: null });
    else if (copy) results.push({ name, ...(await tryToDrop(here, copy, wanted.person)) });
  }
  return results;
}

const LATELY_MS = 60 * 60 * 1000;

/**
 * Whether the same person dropped the copy (staging database) within the last hour. Then the request is a retry,
 * because the first response was lost, and gets the same result.
 */
async function wasDropped(here: App, name: string, { client, level, person }: DropRequest) {
  const former = await copies.newestNamed(here.sql, name);
  if (former?.state !== 'dropped' || former.ended_at === null) return false;
  const isSame = former.client === client && former.level === level && former.ended_by === person;
  return isSame && Date.now() - Date.parse(fromSqlInstant(former.ended_at)) < LATELY_MS;
}

function refusalOf(copy: Copy | undefined, { client, level }: DropRequest): DropResult | null {
  if (!copy || copy.is_spare === 1) return 'unknown';
  if (copy.client !== client || copy.level !== level) return 'not_yours';
  if (copies.isProtected(copy)) return 'protected';
  return copy.state === 'building' || copy.state === 'updating' ? 'building' : null;
}

const tryToDrop = (here: App, copy: Copy, person: string) =>
  drop(here, copy, person).then(
    () => ({ result: 'dropped' as const, problem: null }),
    (error: unknown) => {
      here.log.warn({ err: error, copy: copy.name }, 'a copy was not dropped');
      return { result: 'failed' as const, problem: reasonOf(error) };
    },
  );

/**
 * Drops a copy (staging database) that is ready, or finishes an interrupted drop.
 * @throws Conflict if the copy is protected, or if a job works on the copy
 */
export async function drop(here: App, copy: Copy, person: string): Promise<void> {
  if (copies.isProtected(copy)) {
    throw new Conflict(`${copy.name} is protected. End its protection first, or wait for its end.`);
  }
  const what = sql`state = 'dropping', ended_by = ${person}`;
  await copies.changeOrRefuse(here.sql, copy, ['ready', 'dropping'], what);
  await finishDrop(here, copy, { person, action: 'dropped a copy' });
}

/**
 * Drops the databases of a copy (staging database) in the state `dropping`, and records who dropped the copy.
 */
export async function finishDrop(
  here: App,
  copy: Copy,
  { person, action }: { person: string; action: string },
) {
  await failpoint('copy dropping');
  await dropDatabases(here, copy);
  await failpoint('copy tables dropped');
  await transaction(here.sql, async (on) => {
    const what = sql`state = 'dropped', ended_at = utc_timestamp(3), ended_by = ${person}`;
    const isDropped = await copies.change(on, copy, ['dropping'], what);
    if (isDropped) await audit.write(on, { person, action, subject: copy.name });
  });
}

/** Finishes drops of copies (staging databases) that were interrupted more than a minute ago. */
export async function finishDrops(here: App): Promise<void> {
  await oneByOne(here, await copies.droppingForLong(here.sql), (copy) =>
    drop(here, copy, copy.ended_by ?? copy.person),
  );
}
