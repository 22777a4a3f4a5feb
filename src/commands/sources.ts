// The command `oneway sources`, which lists data sources (servers of publishers) and fetches new data files from them.
import type { Command } from 'commander';
import type { App } from '../environments/app.ts';
import { NotFound } from '../problems.ts';
import { kinds } from '../sources/index.ts';
import { linesOf, newestOf } from '../sources/lines.ts';
import { overview } from '../sources/overview.ts';
import type { RunReport } from '../sources/report.ts';
import { requestRefetch, requestRun } from '../sources/run.ts';
import * as sources from '../sources/sources.ts';
import type { Source } from '../sources/sources.ts';
import { count, exactly } from '../web/format.ts';
import { actor, answer, columns, endWith, UsageError, withApp } from './cli.ts';
import { runHere } from './run-job.ts';

type Json = { json?: boolean };

/** Adds the command `oneway sources`. */
export function addSources(program: Command) {
  const own = program.command('sources').description('publishers that data files are pulled from');
  own
    .command('list')
    .option('--json')
    .description('the sources with their last and next run')
    .action(({ json }: Json) => withApp((here) => listSources(here, json)));
  own
    .command('run')
    .argument('[names...]', 'as “oneway sources list” lists them')
    .option('--all', 'every source that is switched on')
    .option('--json')
    .description('fetch and load what is new; ends with 1 if a file failed')
    .action((names: string[], wanted: Wanted) => withApp((here) => run(here, names, wanted)));
  own
    .command('refetch')
    .argument('<source>', 'as “oneway sources list” lists it')
    .argument('<file>', 'the name of a file of that source')
    .option('--json')
    .description('fetch a file again that has changed at its source; the earlier one is kept')
    .action((name: string, file: string, { json }: Json) =>
      withApp((here) => refetch(here, { name, file, isJson: json })),
    );
}

type Wanted = Json & { all?: boolean };

async function listSources(here: App, isJson: boolean | undefined) {
  const all = await overview(here.sql);
  const shown = all.map((one) => ({
    name: one.name,
    kind: one.kind,
    url: one.url,
    dataset: one.datasetName,
    cron: one.cron,
    active: one.active === 1,
    next: one.nextAt,
    last: one.last && { job: one.last.number, state: one.last.state, at: one.last.created_at },
    files: one.files,
    failed: one.failed,
    differing: one.differing,
  }));
  answer(isJson, shown, () =>
    shown.length === 0
      ? ['No sources. An administrator adds one on the page Sources.']
      : columns(
          shown.map((one) => [
            one.name,
            kinds[one.kind].label,
            one.dataset,
            `${count(one.files)} files, ${count(one.failed)} failed, ${count(one.differing)} differ`,
            one.active ? `next ${one.next === null ? 'soon' : exactly(one.next)}` : 'switched off',
          ]),
        ),
  );
}

async function sourceNamed(here: App, name: string): Promise<Source> {
  const found = await sources.named(here.sql, name);
  if (found) return found;
  const names = (await sources.list(here.sql)).map((one) => one.name).join(', ') || 'none yet';
  throw new NotFound(`There is no source “${name}”. There are: ${names}.`);
}

async function run(here: App, names: string[], { all, json }: Wanted) {
  if ((names.length === 0) === (all !== true)) {
    throw new UsageError('Name the sources to run, or give --all.');
  }
  const by = await actor(here, 'manage-data');
  const wanted = all
    ? await sources.active(here.sql)
    : await Promise.all(names.map((name) => sourceNamed(here, name)));
  const reports: ({ source: string } & RunReport)[] = [];
  for (const source of wanted) {
    const requested = await requestRun(here.sql, source, by);
    const report = await runHere<RunReport>(here, requested, {
      running: `${source.name} is being run already`,
      isQuiet: json === true,
    });
    reports.push({ source: source.name, ...report });
  }
  answer(json, reports, () => reports.flatMap(inLines));
  if (reports.some(({ failed }) => failed > 0)) endWith('refused');
}

const inLines = ({ source, ...report }: { source: string } & RunReport): string[] => [
  `${source}: ${count(report.found)} found, ${count(report.fetched)} fetched, ${count(report.loaded)} loaded, ${count(report.failed)} failed, ${count(report.differing)} differ at the source.`,
  ...report.failures.map(({ name, message }) => `  ${name}: ${message}`),
];

type Refetch = { name: string; file: string; isJson: boolean | undefined };

async function refetch(here: App, { name, file, isJson }: Refetch) {
  const by = await actor(here, 'manage-data');
  const source = await sourceNamed(here, name);
  const line = newestOf(await linesOf(here.sql, source)).get(file);
  if (!line) throw new NotFound(`${source.name} has no file “${file}”.`);
  const requested = await requestRefetch(here.sql, source, line, by);
  const report = await runHere<RunReport>(here, requested, {
    running: `${source.name} is being run already`,
    isQuiet: isJson === true,
  });
  answer(isJson, { source: source.name, ...report }, () =>
    inLines({ source: source.name, ...report }),
  );
  if (report.failed > 0) endWith('refused');
}
