// Performs an action on more rows than one request can change, as a job. The request stores the chosen rows as the
// result of the job’s first step. Each further step changes a part of the rows.
import { hash } from 'node:crypto';
import { z } from 'zod';
import { may } from '../access/permissions.ts';
import { keyText, titleOf, type Entity } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as jobs from '../jobs/jobs.ts';
import { isPassing } from '../jobs/passing.ts';
import type { Job } from '../jobs/jobs.ts';
import { recordStep, resultsOf } from '../jobs/steps.ts';
import type { Work } from '../jobs/task.ts';
import * as people from '../people/people.ts';
import { Problem } from '../problems.ts';
import { read } from '../rows/store.ts';
import { readStates, type Author } from '../state/row-state.ts';
import { count, plural } from '../web/format.ts';
import { shorten } from '../web/shorten.ts';
import type { WriteContext } from '../writing/changes.ts';
import { bulkActions, type BulkAction, type BulkTarget, type BulkValues } from './bulk-actions.ts';
import { digestOf, seenOf, targetsOf, type SeenRow, type Skipped } from './bulk-rows.ts';

export const BULK = 'bulk-action';

/** How many rows one step of the job changes. */
const PART = 250;
/** After how many rows the job reports its progress, and stops if a person has cancelled it. */
const REPORTED = 10;
const CHOSEN = 'Rows as they were confirmed';

export const bulkInput = z.object({
  entity: z.string(),
  action: z.string(),
  values: z.union([
    z.null(),
    z.object({ reason: z.string().nullable() }),
    z.object({
      field: z.string(),
      value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
    }),
  ]),
});
type BulkInput = z.infer<typeof bulkInput>;

type Asked = { action: BulkAction; targets: BulkTarget[]; values: BulkValues; person: string };

/**
 * Requests the job. If a user sends the same confirmation twice, the second request returns the
 * active job of the first one.
 */
export function requestBulk(here: App, { action, targets, values, person }: Asked) {
  const entity = targets[0]?.entity;
  if (!entity) throw new Problem(422, 'There is nothing to do for the chosen rows.');
  const order = [entity.name, action.name, values, digestOf(targets)];
  return transaction(here.sql, async (on) => {
    const requested = await jobs.request(on, {
      kind: BULK,
      name: `${action.label.replace('…', '')}: ${plural(targets.length, entity.label)}`,
      person,
      input: { entity: entity.name, action: action.name, values },
      onlyOne: `bulk ${hash('sha256', JSON.stringify(order)).slice(0, 40)}`,
    });
    if (requested.isNew) await recordStep(on, requested.job, CHOSEN, seenOf(targets));
    return requested;
  });
}

/**
 * What a job did with one part of the chosen rows. `untried`: the ids of the rows that the job did not reach before it
 * ended.
 */
type PartDone = { done: number; skipped: Skipped[]; untried?: number[] };

/**
 * Performs the action on the chosen rows, with a separate write for each row. After an
 * interruption, the next attempt repeats only the unfinished part.
 */
export async function runBulkJob(work: Work, input: BulkInput) {
  const rows = await work.step<SeenRow[]>(CHOSEN, () => {
    throw new Problem(409, 'The chosen rows are not stored any more. Choose them on their list.');
  });
  const all: PartDone[] = [];
  for (const { name, from, part } of partsOf(rows)) {
    const result = await work.step<PartDone>(name, (keep) =>
      actOnPart({ ...work, keep }, input, part, [from, rows.length]),
    );
    all.push(result);
  }
  await work.report({ done: rows.length, total: rows.length, doing: '' });
  return sumOf(all);
}

const partsOf = (rows: SeenRow[]) =>
  Array.from({ length: Math.ceil(rows.length / PART) }, (_, index) => {
    const from = index * PART;
    const part = rows.slice(from, from + PART);
    return { name: `Rows ${count(from + 1)} to ${count(from + part.length)}`, from, part };
  });

/** The page of a job names at most this many skipped rows. */
const NAMED = 500;

function sumOf(parts: PartDone[]) {
  const skipped = parts.flatMap((part) => part.skipped);
  return {
    done: parts.reduce((sum, part) => sum + part.done, 0),
    skippedCount: skipped.length,
    skipped: skipped.slice(0, NAMED),
  };
}

/** The page of a job names at most this many of the rows that the job did not reach. */
const UNTRIED = 50;

/** Reports what a job did before it was cancelled or failed; null if it did not begin. */
export async function unfinishedBulk(here: App, job: Job) {
  const results = new Map(
    (await resultsOf(here.sql, job.id)).map(({ name, result }) => [name, result]),
  );
  const rows = JSON.parse(results.get(CHOSEN) ?? 'null') as SeenRow[] | null;
  if (!rows) return null;
  const parts = partsOf(rows).map(({ name, part }): PartDone => {
    const kept = JSON.parse(results.get(name) ?? 'null') as PartDone | null;
    return kept ?? { done: 0, skipped: [], untried: part.map(([id]) => id) };
  });
  const untried = parts.flatMap((part) => part.untried ?? []);
  const { entity: name } = bulkInput.parse(JSON.parse(job.input));
  const { shown, more } = shorten(untried, UNTRIED);
  const keys = shown.map((id) => ({ entity: name, id }));
  const found = await read(here, keys);
  const titled = keys.map((key) => {
    const row = found.get(keyText(key));
    return { id: key.id, title: row ? titleOf(entityNamed(name), row) : `ID ${key.id}` };
  });
  return {
    ...sumOf(parts),
    untried: titled,
    untriedMore: more,
  };
}

async function actOnPart(
  { here, job, report, keep }: Work & { keep: (partial: PartDone) => void },
  { entity: name, action: asked, values }: BulkInput,
  rows: SeenRow[],
  [before, total]: [number, number],
): Promise<PartDone> {
  const entity = entityNamed(name);
  const action = bulkActions.find((one) => one.name === asked);
  if (!action) throw new Problem(422, `There is no action “${asked}”.`);
  const author = await authorOf(here, job.person, action);
  const writes: WriteContext = {
    here,
    lease: here.settings.lease.milliseconds,
    onStoredDifferently: () => {},
  };
  const done = job.attempt > 1 ? await doneBefore({ here, job }, { entity, action }, rows) : [];
  const others = rows.filter(([id]) => !done.includes(id));
  const { targets, skipped } = await targetsOf(writes, entity, others);
  const keepUntil = (index: number) => {
    const untried = targets.slice(index).map(({ key }) => key.id);
    keep({ done: rows.length - skipped.length - untried.length, skipped, untried });
  };
  for (const [index, target] of targets.entries()) {
    keepUntil(index);
    if (index % REPORTED === 0)
      await report({ done: before + done.length + index, total, doing: '' });
    try {
      await action.act({ writes, author, values }, target);
    } catch (error) {
      if (!(error instanceof Problem) || isPassing(error)) throw error;
      skipped.push({ title: target.title, why: error.message });
    }
  }
  return { done: rows.length - skipped.length, skipped };
}

/**
 * Finds the rows that an interrupted attempt of the job has already changed. A part of the rows that is unfinished has
 * no stored result, so the rows themselves are checked.
 */
async function doneBefore(
  { here, job }: Pick<Work, 'here' | 'job'>,
  { entity, action }: { entity: Entity; action: BulkAction },
  rows: SeenRow[],
): Promise<number[]> {
  if (!action.isDone) return [];
  const keys = rows.map(([id]) => ({ entity: entity.name, id }));
  const states = await readStates(here.sql, keys);
  const found = await read(here, keys);
  const order = { person: job.person, since: job.created_at };
  return keys.flatMap((key) => {
    const state = states.get(keyText(key));
    return state && action.isDone?.(found.get(keyText(key)), state, order) ? [key.id] : [];
  });
}

/**
 * Returns the person who confirmed the action, as the author of the changes.
 * @throws Problem if the person may no longer perform this action
 */
async function authorOf(here: App, email: string, { ability }: BulkAction): Promise<Author> {
  const person = await people.withEmail(here.sql, email);
  if (!person?.isActive || !may(person, ability, here.setup)) {
    throw new Problem(403, `${email} may not do this any more.`);
  }
  return { email, isProductManager: person.permissions.includes('product_manager') };
}

const reportSchema = z.object({
  done: z.number().default(0),
  skippedCount: z.number().default(0),
  skipped: z.array(z.object({ title: z.string(), why: z.string() })).default([]),
  untried: z.array(z.object({ id: z.number(), title: z.string() })).default([]),
  untriedMore: z.number().default(0),
});

/** Prepares the report of a job for the page of the job. */
export function bulkReport(report: object, input: object) {
  const { done, skippedCount, skipped, untried, untriedMore } = reportSchema.parse(report);
  const { entity: name, action } = bulkInput.parse(input);
  const entity = entityNamed(name);
  const label = bulkActions.find((one) => one.name === action)?.done ?? action;
  const listHref = `/catalog/${name}`;
  const others =
    skippedCount > 0 ? ` ${plural(skippedCount, { one: 'row', many: 'rows' })} skipped:` : '';
  return {
    text: `${plural(done, entity.label)} ${label}.${others}`,
    skipped,
    more: skippedCount - skipped.length,
    untried: untried.map(({ id, title }) => ({ title, href: `${listHref}/${id}` })),
    untriedMore,
    untriedText: `${plural(untried.length + untriedMore, { one: 'row', many: 'rows' })} not reached:`,
    listHref,
    auditHref: `/audit?entity=${name}`,
  };
}
