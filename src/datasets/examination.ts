// Examines a stored data file: proposes how to parse it, compares its columns with the current version of its dataset,
// and stores the findings for the page where a person checks the file.
import type { PoolConnection } from 'mysql2/promise';
import { z } from 'zod';
import { first, run, sql, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as jobs from '../jobs/jobs.ts';
import type { Job } from '../jobs/jobs.ts';
import type { Work } from '../jobs/task.ts';
import { faultOf, recordFault } from './faults.ts';
import { differingColumns, typesThatStay } from './columns.ts';
import * as datasets from './datasets.ts';
import { examine, type Ask, type Examination } from './reading/examine.ts';
import { choicesSchema, type Choices, type Column } from './reading/reading.ts';
import * as registry from './registry.ts';
import type { Datafile } from './registry.ts';
import * as versions from './versions.ts';
import { clip, COLUMNS_SHOWN } from './wide.ts';

export const EXAMINE = 'examine';
export const examineInput = z.object({ datafile: z.number() });

/**
 * The findings of an examination. `differing`: how the columns of the file differ from the columns
 * of the current version; `current`: the columns of the current version.
 */
export type Examined = Examination & { differing: string[]; current: Column[] | null };

/** Requests the job that examines a data file, in the transaction of the caller. */
export async function requestExamination(
  on: PoolConnection,
  { id, file_name: name }: Pick<Datafile, 'id' | 'file_name'>,
  person: string,
): Promise<{ job: Job }> {
  const { job } = await jobs.request(on, {
    kind: EXAMINE,
    name: `Examine ${name}`,
    person,
    input: { datafile: id },
    priority: 'high',
  });
  await run(on, sql`update operations_datafile_registry set job = ${job.id} where id = ${id}`);
  return { job };
}

/**
 * Runs the job that examines a data file. A file that cannot be parsed gets the state `failed`,
 * with the reason.
 */
export async function runExamination(
  { here, job, report }: Work,
  { datafile }: z.infer<typeof examineInput>,
): Promise<{ rows: number | null }> {
  const file = await registry.known(here.sql, datafile);
  // The file no longer belongs to this job, for example because a person has made other choices and a newer job
  // examines the file. So this job does nothing.
  if (file.state !== 'processing' || file.job !== job.id) return { rows: null };
  await report({ done: 0, total: file.size, doing: `Reading ${file.file_name}` });
  try {
    const { counts } = await examineFile(here, file);
    return { rows: counts.rows };
  } catch (error) {
    const fault = faultOf(error);
    if (!fault) throw error;
    await recordFault(here, file, fault);
    return { rows: null };
  }
}

/** Examines a data file with the choices of a person, and stores the findings. */
export async function examineFile(here: App, file: Datafile): Promise<Examined> {
  const { sql: on, storage, settings } = here;
  const dataset = await datasets.known(on, file.dataset);
  const current = (await versions.current(on, dataset))?.columns ?? null;
  const choices = { ...(await formerChoices(on, file)), ...registry.choicesOf(file) };
  const limits = { limitBytes: settings.datafiles.limitBytes };
  const withChoices = (all: Choices) =>
    examine(() => storage.read(file.object), file.file_name, all, limits);
  const found = await withChoices(choices);
  const stay = typesThatStay(current ?? [], found.columns, choices.types);
  const examination =
    Object.keys(stay).length > 0
      ? await withChoices({ ...choices, types: { ...stay, ...choices.types } })
      : found;
  const examined = comparedWith(current, examination);
  await run(
    on,
    sql`update operations_datafile_registry set examination = ${JSON.stringify(clipped(examined))}
         where id = ${file.id} and state in ('processing', 'failed') and choices <=> ${file.choices}`,
  );
  return examined;
}

function comparedWith(current: Column[] | null, examination: Examination): Examined {
  const differing = current === null ? [] : differingColumns(current, examination.reading.columns);
  return { ...examination, differing, current };
}

/**
 * Returns the choices of the last loaded file from the same data source, because the next file of a data source usually
 * has the same format.
 */
async function formerChoices(on: Queryable, { source }: Datafile): Promise<Choices> {
  if (source === null) return {};
  const former = await first<{ choices: string | null }>(
    on,
    sql`select choices from operations_datafile_registry
         where source = ${source} and state = 'processed' order by id desc limit 1`,
  );
  return former?.choices ? choicesSchema.parse(JSON.parse(former.choices)) : {};
}

/** Shortens long cells and wide rows of the findings, because the page shows only part of them. */
const clipped = (examined: Examined): Examined => ({
  ...examined,
  preview: examined.preview.map(({ line, cells }) => ({
    line,
    cells: cells.slice(0, COLUMNS_SHOWN).map((cell) => (cell === null ? null : clip(cell))),
  })),
  columns: examined.columns.map((facts) => ({
    ...facts,
    samples: facts.samples.map(clip),
    misfits: facts.misfits.map(({ line, text }) => ({ line, text: clip(text) })),
  })),
});

/**
 * Returns the stored findings of the examination of a data file; null if the file has not been
 * examined with its present choices.
 */
export const examinationOf = ({ examination }: Datafile): Examined | null =>
  examination === null ? null : (JSON.parse(examination) as Examined);

/**
 * Returns the stored findings, compared with the version that is current now: another file may have
 * become current since the examination.
 */
export async function examinedNow(on: Queryable, file: Datafile): Promise<Examined | null> {
  const examination = examinationOf(file);
  if (examination === null) return null;
  const dataset = await datasets.known(on, file.dataset);
  return comparedWith((await versions.current(on, dataset))?.columns ?? null, examination);
}

/** Returns the sentence with which the page asks a question about a file that only a person can answer. */
export function askText({ code, column, options, examples }: Ask): string {
  const shown = examples.map(({ text }) => `“${clip(text)}”`).join(', ');
  switch (code) {
    case 'encoding':
      return `The file does not say how its characters are encoded: is it ${options[0] ?? 'windows-1252'}? Examples: ${shown}.`;
    case 'dates':
      return `Is the day or the month first in “${column}”? Examples: ${shown}.`;
    case 'numbers':
      return `Does the comma or the point separate decimals in “${column}”? Examples: ${shown}.`;
  }
}
