// The command `oneway pipeline`, which loads versions of datasets into a separate database, the datasets database.
import type { Command } from 'commander';
import { transaction } from '../database/sql.ts';
import * as datasets from '../datasets/datasets.ts';
import { fullName } from '../datasets/datasets.ts';
import * as versions from '../datasets/versions.ts';
import type { App } from '../environments/app.ts';
import { NotFound, Problem } from '../problems.ts';
import type { PipelineReport } from '../pipeline/job.ts';
import * as runs from '../pipeline/runs.ts';
import { count } from '../web/format.ts';
import { actor, answer, columns, UsageError, withApp } from './cli.ts';
import { runHere } from './run-job.ts';

type Output = { json?: boolean };

export function addPipeline(program: Command) {
  const own = program
    .command('pipeline')
    .description('carrying versions of datasets into the datasets database');
  own
    .command('list', { isDefault: true })
    .option('--json')
    .description('the newest runs')
    .action(({ json }: Output) => withApp((here) => list(here, json)));
  own
    .command('run')
    .argument('<dataset>', 'such as statistics/rainfall')
    .option('--json')
    .description('carry the current version of a dataset again')
    .action((dataset: string, { json }: Output) => withApp((here) => run(here, dataset, json)));
  own
    .command('resume')
    .argument('<run>')
    .option('--json')
    .description('let a failed run go on where it stopped')
    .action((number: string, { json }: Output) => withApp((here) => resume(here, number, json)));
}

async function list(here: App, isJson: boolean | undefined) {
  const all = await runs.list(here.sql, { state: '', dataset: null, before: null });
  answer(isJson, all, () =>
    columns(
      all.map((one) => [
        String(one.number),
        fullName(one),
        `version ${one.version}`,
        one.state,
        `${count(one.rows_inserted)} of ${count(one.row_count)} rows`,
        one.error ?? '',
      ]),
    ),
  );
}

async function run(here: App, name: string, isJson: boolean | undefined) {
  const [organisation = '', own = ''] = name.split('/');
  const dataset = await datasets.named(here.sql, { organisation, name: own });
  if (!dataset) throw new NotFound(`There is no dataset ${name}.`);
  const person = await actor(here, 'manage-data');
  const { job } = await transaction(here.sql, async (on) => {
    const locked = await versions.lockDataset(on, dataset.id);
    const current = await versions.current(on, locked);
    if (!current) throw new NotFound(`${name} has no version yet.`);
    const { number: version, row_count: rows } = current;
    return runs.request(here, on, { dataset: locked, version, rows, person });
  });
  if (!job) {
    throw new Problem(
      422,
      'No datasets database is set here: set DATASETS_SQL_DB_* and PIPELINE_*.',
    );
  }
  await carry(here, { job, isNew: true }, isJson);
}

async function resume(here: App, number: string, isJson: boolean | undefined) {
  if (!/^\d{1,15}$/.test(number)) throw new UsageError(`${number} is not the number of a run.`);
  const job = await runs.resume(here, await actor(here, 'manage-data'), { number: Number(number) });
  await carry(here, { job, isNew: true }, isJson);
}

async function carry(here: App, requested: Parameters<typeof runHere>[1], isJson = false) {
  const how = { running: 'This run is under way already', isQuiet: isJson };
  const report = await runHere<PipelineReport>(here, requested, how);
  answer(isJson, report, () => [
    `Run ${report.run} is ${report.state}: ${count(report.rows)} rows.`,
  ]);
}
