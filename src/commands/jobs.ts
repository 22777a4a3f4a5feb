// The commands that run a refresh, and that show and cancel background jobs.
import type { Command } from 'commander';
import type { App } from '../environments/app.ts';
import * as jobs from '../jobs/jobs.ts';
import { cancel } from '../jobs/cancel.ts';
import { Problem } from '../problems.ts';
import type { Report } from '../refresh/refresh.ts';
import { tasks } from '../tasks.ts';
import { count, exactly, when } from '../web/format.ts';
import { actor, answer, withApp, columns, person, print } from './cli.ts';
import { requestRefresh, REFRESH } from '../refresh/job.ts';
import { runHere } from './run-job.ts';

type Asked = { dryRun?: boolean; json?: boolean };

export function addJobs(program: Command) {
  program
    .command('refresh')
    .description(
      "copy production's rows down into this environment; rows with work of their own stay",
    )
    .option('--dry-run', 'only tell what it would do')
    .option('--json')
    .action((asked: Asked) => withApp((here) => refresh(here, asked)));
  const own = program
    .command('jobs')
    .description('what runs in the background')
    .option('--json')
    .action(({ json }: Asked) => withApp((here) => listJobs(here, json)));
  own
    .command('show')
    .argument('<number>')
    .description('one job, with its report')
    .option('--json')
    .action((number: string, { json }: Asked) => withApp((here) => showJob(here, number, json)));
  own
    .command('cancel')
    .argument('<number>')
    .description('stop a job at its next step')
    .action((number: string) =>
      withApp(async (here) => {
        const { email } = await person(here, 'refresh');
        const job = await numbered(here, number);
        const isCancelled = await cancel(here, tasks, job, email);
        print(isCancelled ? `Job ${job.number} is cancelled.` : 'It had ended already.');
      }),
    );
}

async function numbered(here: App, number: string): Promise<jobs.Job> {
  const job = await jobs.byNumber(here.sql, Number(number) || 0);
  if (!job) throw new Problem(404, `There is no job ${number}.`);
  return job;
}

async function refresh(here: App, { dryRun = false, json }: Asked) {
  if (!here.source) {
    throw new Problem(422, 'REFRESH_SOURCE_* is not set: there is no source to refresh from.');
  }
  const requested = await requestRefresh(here, await actor(here, 'refresh'), dryRun);
  const how = { running: 'A refresh is already running', isQuiet: json === true };
  const report = await runHere<Report>(here, requested, how);
  answer(json, report, () => inLines(report, dryRun));
}

function inLines(report: Report, dryRun: boolean) {
  const { created, updated, same, skipped: left, skippedRows: leftAlone, missingImages } = report;
  const would = dryRun ? 'would be ' : '';
  return [
    `${count(created)} ${would}created, ${count(updated)} ${would}updated, ${count(same)} the same already.`,
    ...(report.storedDifferently ?? []).map(
      ({ key, title, fields }) =>
        `  stored differently here: ${key.entity} ${key.id} “${title}”: ${fields.join(', ')}`,
    ),
    ...report.overwritten.map(
      ({ key, title, fields }) =>
        `  ${dryRun ? 'would overwrite' : 'overwrote'} ${key.entity} ${key.id} “${title}”: ${fields.join(', ')}`,
    ),
    ...(left > 0 ? [`${count(left)} skipped, because they have work of their own:`] : []),
    ...leftAlone.map(({ key, title, why }) => `  ${key.entity} ${key.id} “${title}”: ${why}`),
    ...(left > leftAlone.length ? [`  and ${count(left - leftAlone.length)} more`] : []),
    ...(report.unreadable ?? []).map((document) => `left in production: ${document}`),
    ...missingImages.map((image) => `not in production's store: ${image}`),
  ];
}

async function showJob(here: App, number: string, isJson: boolean | undefined) {
  const { report, input, only_one: _key, ...job } = await numbered(here, number);
  const found = JSON.parse(report ?? 'null') as Report | null;
  const asked = JSON.parse(input) as { dryRun?: boolean };
  answer(isJson, { ...job, input: asked, report: found }, () => [
    `Job ${job.number} “${job.name}” is ${job.state}${job.problem ? `: ${job.problem}` : '.'}`,
    `Requested by ${job.person}, ${exactly(job.created_at)}; attempt ${job.attempt}; ${count(job.done_count)} of ${count(job.total_count)} rows.`,
    ...(found && job.kind === REFRESH ? inLines(found, asked.dryRun === true) : []),
    ...(job.state === 'failed' && job.kind === REFRESH
      ? ['What was copied stays and is skipped the next time: oneway refresh.']
      : []),
  ]);
}

async function listJobs(here: App, isJson: boolean | undefined) {
  const all = await jobs.list(here.sql, { state: '', kind: '', before: null });
  answer(isJson, all, () =>
    all.length === 0
      ? ['No jobs have run yet.']
      : columns(
          all.map((job) => [
            String(job.number),
            job.state,
            job.name,
            `${count(job.done_count)} of ${count(job.total_count)}`,
            job.person,
            when(job.created_at),
          ]),
        ),
  );
}
