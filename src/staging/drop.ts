// Drops copies (staging databases): those that people name, and those whose time is over.
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
 * The possible results for each name in a request to drop copies. `unknown`: no copy of that name was made here.
 * `not_yours`: it belongs to another client or level. `failed`: its servers did not answer, or its databases lack its
 * mark.
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

/** Drops the copies of a client and level with these names; returns what became of each. */
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
 * Whether the same person dropped the copy a short time ago. Then the request is a repetition, because the first
 * answer was lost, and gets the same answer.
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
 * Drops a copy that is ready; a drop that was interrupted is finished by the next one.
 * @throws Conflict while the copy is protected or a job works on it
 */
export async function drop(here: App, copy: Copy, person: string): Promise<void> {
  if (copies.isProtected(copy)) {
    throw new Conflict(`${copy.name} is protected. End its protection first, or wait for its end.`);
  }
  const what = sql`state = 'dropping', ended_by = ${person}`;
  await copies.changeOrRefuse(here.sql, copy, ['ready', 'dropping'], what);
  await finishDrop(here, copy, { person, action: 'dropped a copy' });
}

/** Drops the databases of a copy that is in the state `dropping`, and records who did that. */
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

/** Finishes drops that were interrupted more than a minute ago. */
export async function finishDrops(here: App): Promise<void> {
  await oneByOne(here, await copies.droppingForLong(here.sql), (copy) =>
    drop(here, copy, copy.ended_by ?? copy.person),
  );
}
