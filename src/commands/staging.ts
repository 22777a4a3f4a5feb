// The command `oneway staging`, which requests staging databases from a staging server, and drops databases on that
// server.
import type { Command } from 'commander';
import type { App } from '../environments/app.ts';
import { NotFound, Problem } from '../problems.ts';
import * as environments from '../staging/environments.ts';
import * as orders from '../staging/orders.ts';
import { runJob } from '../staging/run.ts';
import * as stagingJobs from '../staging/staging-jobs.ts';
import { actor, answer, columns, withApp } from './cli.ts';

type Json = { json?: boolean };

/** Adds the command `oneway staging`, for the Oneway server that requests staging databases from staging servers. */
export function addStaging(program: Command) {
  const staging = program
    .command('staging')
    .description('databases ordered from a staging server, and made there from backups');
  staging
    .command('environments')
    .option('--json')
    .description('the staging servers that databases are ordered from')
    .action(({ json }: Json) => withApp((here) => listEnvironments(here, json)));
  staging
    .command('jobs')
    .option('--json')
    .description('what was ordered, the newest first')
    .action(({ json }: Json) => withApp((here) => listJobs(here, json)));
  staging
    .command('run')
    .requiredOption('--environment <name>', 'as “oneway staging environments” lists it')
    .option('--suffix <suffix>', 'at the end of the name', '')
    .option('--no-timestamp', 'without date and time in the name')
    .option('--replace', 'replace the database of this name')
    .option('--json')
    .description('order a database; its name is printed at once, and it is ready a little later')
    .action((wanted: Wanted) => withApp((here) => order(here, wanted)));
  staging
    .command('drop')
    .requiredOption('--environment <name>', 'as “oneway staging environments” lists it')
    .argument('<names...>', 'names of databases')
    .option('--json')
    .description('drop databases that staging jobs have made')
    .action((names: string[], wanted: Wanted) =>
      withApp((here) => dropThere(here, { ...wanted, names })),
    );
}

type Wanted = Json & {
  environment: string;
  suffix?: string;
  timestamp?: boolean;
  replace?: boolean;
};

async function listEnvironments(here: App, isJson: boolean | undefined) {
  const all = await environments.list(here.sql);
  const shown = all.map(({ name, url, client, level }) => ({ name, url, client, level }));
  answer(isJson, shown, () =>
    shown.length === 0
      ? ['No staging environments. An administrator adds one on the page Staging environments.']
      : columns(shown.map(({ name, url, client, level }) => [name, url, client, level])),
  );
}

async function listJobs(here: App, isJson: boolean | undefined) {
  const all = await stagingJobs.list(here.sql, null);
  const newest = await orders.newestOf(
    here.sql,
    all.map(({ number }) => number),
  );
  const shown = all.map((job) => {
    const last = newest.find((one) => one.job === job.number);
    return {
      number: job.number,
      type: job.type,
      environment: job.environment_name,
      state: job.state,
      name: last?.name ?? null,
      problem: last?.problem ?? null,
    };
  });
  answer(isJson, shown, () =>
    columns(
      shown.map((one) => [
        String(one.number),
        one.type,
        one.environment,
        one.state,
        one.name ?? '-',
        one.problem ?? '',
      ]),
    ),
  );
}

async function environmentNamed(here: App, name: string) {
  const all = await environments.list(here.sql);
  const found = all.find((one) => one.name === name);
  if (found) return found;
  const names = all.map((one) => one.name).join(', ') || 'none yet';
  throw new NotFound(`There is no staging environment “${name}”. There are: ${names}.`);
}

async function order(here: App, { environment, suffix, timestamp, replace, json }: Wanted) {
  const by = await actor(here, 'run-staging');
  const { id } = await environmentNamed(here, environment);
  const number = await stagingJobs.add(here, by, {
    type: 'new',
    environment: String(id),
    suffix: suffix ?? '',
    timestamp: timestamp === false ? 'no' : 'yes',
    replace: replace ? 'yes' : 'no',
  });
  await runAndTell(here, { number, by, isJson: json });
}

async function dropThere(here: App, { environment, names, json }: Wanted & { names: string[] }) {
  const by = await actor(here, 'run-staging');
  const { id } = await environmentNamed(here, environment);
  const number = await stagingJobs.add(here, by, {
    type: 'drop',
    environment: String(id),
    names: names.join('\n'),
  });
  await runAndTell(here, { number, by, isJson: json });
}

type Run = { number: number; by: string; isJson: boolean | undefined };

async function runAndTell(here: App, { number, by, isJson }: Run) {
  await runJob(here, number, by);
  const [last] = await orders.ofJob(here.sql, number);
  if (!last) throw new Problem(500, 'The order was not recorded.');
  if (last.state === 'error' && last.results === null) throw new Problem(409, String(last.problem));
  const { state, name, results, problem } = last;
  const dropped = results === null ? null : (JSON.parse(results) as object[]);
  answer(isJson, { job: number, state, name, problem, results: dropped }, () => [
    name === null ? `Staging job ${number}: ${state}.` : `Staging job ${number}: ${name}`,
    ...(problem === null ? [] : [problem]),
    ...(dropped ?? []).map((one) => JSON.stringify(one)),
  ]);
  if (state === 'error') process.exitCode = 1;
}
