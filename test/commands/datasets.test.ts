// Tests datasets and data files on the command line: added, uploaded, checked, loaded, restored, exported and
// ignored.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { select, sql } from '../../src/database/sql.ts';
import * as datasets from '../../src/datasets/datasets.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import { json, openTerminal, type Said } from '../support/command.ts';
import { addDataset, load, rowsOf, runJobs } from '../support/datasets.ts';
import { hire, password } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
let type: ReturnType<typeof openTerminal>;
let folder: string;
let cities: Dataset;

beforeAll(() => {
  type = openTerminal(world);
  folder = mkdtempSync(join(tmpdir(), 'oneway-files-'));
});
beforeEach(async () => {
  cities = await addDataset(world.staging);
});

const run = (...words: string[]): Said => type('staging', words);
const fileWith = (content: string | Buffer, name = `${randomUUID()}.csv`): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const csv = (...lines: string[]) => lines.map((line) => `${line}\n`).join('');
const upload = (content: string | Buffer, ...more: string[]) =>
  run('datasets', 'upload', fileWith(content), '--dataset', 'statistics/cities', ...more);

type Answer = {
  datafile: number;
  counts: { rows: number; rejects: number; empty: number; lines: number };
  questions: { code: string }[];
  missing: { text: string; add: string[] }[];
  loaded: { version: number | null; state: string } | null;
  next: string | null;
};

/** Runs the command that an answer proposes, split into words as a shell would do it. */
const follow = ({ next }: Answer): Said => {
  const words = (next ?? '').match(/'[^']*'|\S+/g) ?? [];
  return run(...words.slice(1).map((word) => word.replaceAll("'", '')));
};

describe('loading a data file that needs no decision by the user', () => {
  test('S3-03 a file is uploaded, loaded, and exported again with the same bytes, including emoji, quotes and line breaks', async () => {
    const content = 'name,remark\r\nŁódź 🏙,"He said ""no"", twice"\r\nLyon,"two\nlines"\r\n';
    const said = upload(content, '--json');
    expect([said.status, said.stderr]).toEqual([0, '']);
    expect(json<Answer>(said)).toMatchObject({ missing: [], next: null, loaded: { version: 1 } });
    const exported = run('datasets', 'export', 'statistics/cities', '--exact');
    expect([exported.status, exported.stdout]).toEqual([0, content]);
  });

  test('the upload command prints how many lines became rows, how the file was parsed, and which version of the dataset has its rows', () => {
    const said = upload(csv('name,people', 'Pune,7', '', 'Lyon,5'));
    expect(said.stdout).toContain('2 of 4 lines become rows; 1 empty, 1 header.');
    expect(said.stdout).toContain(
      'Read as utf-8, cells between commas, header in line 1: name text, people integer.',
    );
    expect(said.stdout).toContain('Version 1 of statistics/cities has 2 rows of it');
  });

  test('an uploaded file keeps its name, even with blanks, quotes and emoji', async () => {
    const path = fileWith(csv('a,b', '1,2'), 'août ’26 “final” 🏙.csv');
    expect(run('datasets', 'upload', path, '--dataset', 'statistics/cities').status).toBe(0);
    const [file] = json<{ file_name: string }[]>(run('datafiles', 'list', '--json'));
    expect(file?.file_name).toBe('août ’26 “final” 🏙.csv');
  });

  test('only a person with the permission data_manager can upload and load a file, and the audit log names this person', async () => {
    await hire(world.staging, 'dana');
    await hire(world.staging, 'vic');
    const path = fileWith(csv('a,b', '1,2'));
    const words = ['datasets', 'upload', path, '--dataset', 'statistics/cities'];
    const own = openTerminal(world);
    const signIn = (who: string) =>
      own('staging', ['sign-in', '--email', `${who}@example.com`], { input: `${password}\n` });
    signIn('vic');
    expect(own('staging', words).stderr).toContain('permission Data manager');
    expect(json(run('datafiles', 'list', '--json'))).toEqual([]);
    signIn('dana');
    expect(own('staging', words).status).toBe(0);
    const [line] = await select<{ person: string }>(
      world.staging.sql,
      sql`select person from audit where action = 'loaded a version'`,
    );
    expect(line?.person).toBe('dana@example.com');
  });
});

describe('loading a data file that needs a decision by the user', () => {
  test('a file with rejected lines is loaded only with --accept-rejects, and then without these lines', async () => {
    const said = upload(csv('name,people', 'Pune,7', 'Lyon,5,6', '"broken,9'), '--json');
    const first = json<Answer>(said);
    expect([said.status, first.loaded]).toEqual([1, null]);
    expect(first).toMatchObject({ counts: { rows: 1, rejects: 2 } });
    expect(first.missing.map(({ add }) => add)).toEqual([['--accept-rejects']]);
    expect(await rowsOf(world.staging, cities)).toEqual([]);
    expect(follow(first).status).toBe(0);
    expect(await rowsOf(world.staging, cities)).toEqual([['Pune', 7]]);
  });

  test('for a file with an unknown encoding and ambiguous dates, the upload command proposes options, and these options load the file', async () => {
    const bytes = Buffer.from(csv('city,opened', 'Zürich,01/02/2020', 'Zug,03/04/2020'), 'latin1');
    const said = upload(bytes);
    expect(said.status).toBe(1);
    expect(said.stdout).toContain('Is the day or the month first in “opened”?');
    expect(said.stdout).toContain('--encoding windows-1252');
    const asked = json<Answer>(upload(bytes, '--json'));
    expect(asked.questions.map(({ code }) => code)).toEqual(['encoding', 'dates']);
    expect(asked.next).toBe(
      `oneway datafiles load ${asked.datafile} --encoding windows-1252 --type 'opened=date d/m/y'`,
    );
    expect(follow(asked).status).toBe(0);
    expect(await rowsOf(world.staging, cities)).toEqual([
      ['Zürich', '2020-02-01'],
      ['Zug', '2020-04-03'],
    ]);
  });

  test('options set the delimiter, the header line and the column types of a file, even for column names with “=” and emoji', async () => {
    const content = csv('Report of May', '🏙=name|x=1|code', 'Pune|7|01', 'Lyon|5|02');
    const words = [
      '--delimiter',
      '|',
      '--header',
      '2',
      '--type',
      'x=1=text',
      '--type',
      '🏙=name=text',
    ];
    expect(upload(content, ...words).status).toBe(0);
    expect(await rowsOf(world.staging, cities)).toEqual([
      ['Pune', '7', '01'],
      ['Lyon', '5', '02'],
    ]);
  });

  test('a file whose columns differ from the current version of the dataset is loaded only with --accept-columns', async () => {
    await load(world.staging, cities, csv('name,people', 'Pune,7'));
    const first = json<Answer>(upload(csv('name,inhabitants', 'Oslo,1'), '--json'));
    expect(first.missing.map(({ add }) => add)).toEqual([['--accept-columns']]);
    expect(await rowsOf(world.staging, cities)).toEqual([['Pune', 7]]);
    expect(follow(first).status).toBe(0);
    expect(await rowsOf(world.staging, cities)).toEqual([['Oslo', 1]]);
  });

  test('a file is not loaded if another user has meanwhile loaded a version of the dataset with other columns', async () => {
    await load(world.staging, cities, csv('name,people', 'Pune,7'));
    const first = json<Answer>(upload(csv('name,people', 'Lyon,5', 'Oslo'), '--json'));
    await load(world.staging, cities, csv('name,mayor', 'Pune,Joshi'));
    const second = run('datafiles', 'load', String(first.datafile), '--accept-rejects', '--json');
    expect(second.status).toBe(1);
    expect(json<Answer>(second).loaded).toMatchObject({ state: 'failed', version: null });
    expect(await rowsOf(world.staging, cities)).toEqual([['Pune', 'Joshi']]);
    const third = run('datafiles', 'load', String(first.datafile), '--accept-rejects', '--json');
    expect(json<Answer>(third).missing.map(({ add }) => add)).toEqual([['--accept-columns']]);
  });

  test('a file is not loaded when an option names an unknown column, and the error lists the columns of the file', async () => {
    const said = upload(csv('name,people', 'Pune,7'), '--type', 'Name=text');
    expect([said.status, said.stderr]).toEqual([
      1,
      expect.stringMatching(/no column “Name”. It has “name”, “people”.*datafiles load \d+/),
    ]);
    expect(await rowsOf(world.staging, cities)).toEqual([]);
  });
});

describe('refused commands for datasets and data files', () => {
  const upload1 = (...more: string[]) => ['datasets', 'upload', 'CSV', ...more];
  test.each([
    ['an unknown dataset', upload1('--dataset', 'statistics/towns'), 1, 'statistics/cities'],
    ['a name without organisation', upload1('--dataset', 'cities'), 2, 'organisation/name'],
    [
      'a missing file',
      ['datasets', 'upload', 'nowhere.csv', '--dataset', 'a/b'],
      1,
      'no file nowhere.csv',
    ],
    ['a folder', ['datasets', 'upload', 'src', '--dataset', 'a/b'], 1, 'src is a folder'],
    ['an unknown encoding', upload1('--dataset', 'a/b', '--encoding', 'ebcdic'), 2, 'windows-1252'],
    ['an unknown delimiter', upload1('--dataset', 'a/b', '--delimiter', 'x'), 2, ', ; | tab'],
    ['an unknown type', upload1('--dataset', 'a/b', '--type', 'a=money'), 2, 'date d/m/y'],
    ['a header line 0', upload1('--dataset', 'a/b', '--header', '0'), 2, 'The first line is 1'],
    ['a bad name', ['datasets', 'add', 'Statistics/Städte'], 1, 'lower-case letters'],
    ['a name that another dataset has', ['datasets', 'add', 'statistics/cities'], 1, 'already'],
    [
      'an export before the first version',
      ['datasets', 'export', 'statistics/cities'],
      1,
      'no version yet',
    ],
    [
      'a restore before the first version',
      ['datasets', 'restore', 'statistics/cities', '1', '--reason', 'x'],
      1,
      'no version yet',
    ],
    [
      'a reason of blanks',
      ['datasets', 'restore', 'statistics/cities', '1', '--reason', ' '],
      2,
      '--reason',
    ],
    ['an unknown data file', ['datafiles', 'show', '99'], 1, 'no such data file'],
    ['a text instead of a number', ['datafiles', 'load', 'x'], 2, 'number'],
    ['an unknown state', ['datafiles', 'list', '--state', 'lost'], 2, 'processing, processed'],
  ])(
    'a command with %s is refused with a message that says what to do',
    (_what, words, status, message) => {
      const path = fileWith(csv('a,b', '1,2'));
      const said = run(...words.map((word) => (word === 'CSV' ? path : word)));
      expect([said.status, said.stderr]).toEqual([status, expect.stringContaining(message)]);
    },
  );

  test('uploading a PDF file fails with a reason, and the list of data files shows the reason', () => {
    const said = upload(Buffer.from('%PDF-1.7\n'));
    expect([said.status, said.stderr]).toEqual([1, expect.stringContaining('CSV')]);
    const [file] = json<{ state: string; error_message: string }[]>(
      run('datafiles', 'list', '--state', 'failed', '--json'),
    );
    expect(file?.error_message).toMatch(/CSV/);
  });

  test('the upload command refuses a file above the size limit before the upload begins', () => {
    const path = fileWith(Buffer.alloc(1_100_000, 'a,b\n'));
    const words = ['datasets', 'upload', path, '--dataset', 'statistics/cities'];
    const said = type('staging', words, { also: { DATAFILE_LIMIT_MB: '1' } });
    expect([said.status, said.stderr]).toEqual([1, expect.stringContaining('1 MB')]);
    expect(json(run('datafiles', 'list', '--json'))).toEqual([]);
  });
});

test('commands add and list datasets, list the versions of a dataset, and restore a version with a reason', async () => {
  const added = run(
    'datasets',
    'add',
    'statistics/log',
    '--mode',
    'append',
    '--keep-versions',
    '3',
  );
  expect(added.status).toBe(0);
  const log = await datasets.named(world.staging.sql, { organisation: 'statistics', name: 'log' });
  expect(log).toMatchObject({ mode: 'append', keep_versions: 3 });
  upload(csv('name,people', 'Pune,7'));
  upload(csv('name,people', 'Lyon,5'));
  const listed = json<{ name: string; version: number | null }[]>(
    run('datasets', 'list', '--json'),
  );
  expect(listed).toMatchObject([
    { name: 'statistics/cities', version: 2, rows: 1 },
    { name: 'statistics/log', version: null },
  ]);
  const versions = run('datasets', 'versions', 'statistics/cities').stdout;
  expect(versions).toMatch(/^2 {2}current {2}1 rows/);
  const restore = (...more: string[]) =>
    run('datasets', 'restore', 'statistics/cities', '1', '--reason', 'Half of it', ...more);
  expect(restore('--instead-of', '1').stderr).toContain('Version 2 is current now');
  expect([restore().status, await rowsOf(world.staging, cities)]).toEqual([0, [['Pune', 7]]]);
  expect(restore('--instead-of', '2').stderr).toContain('Version 1 is current now');
  const former = run('datasets', 'export', 'statistics/cities', '--version', '2').stdout;
  expect(former).toBe('name,people\r\nLyon,5\r\n');
}, 30_000);

test('an export escapes texts that a spreadsheet would run as formulas, and an export with --exact keeps them unchanged', async () => {
  await load(world.staging, cities, csv('name,people', '=1+1,7', '-2,5'));
  const words = ['datasets', 'export', 'statistics/cities'];
  expect(run(...words).stdout).toBe("name,people\r\n'=1+1,7\r\n'-2,5\r\n");
  expect(run(...words, '--exact').stdout).toBe('name,people\r\n=1+1,7\r\n-2,5\r\n');
});

test('S3-41 a stored data file can be loaded again as a new version of its dataset, and a failed file can be ignored with a reason', async () => {
  const file = await load(world.staging, cities, csv('name,people', 'Pune,7', 'Lyon'));
  const shown = run('datafiles', 'show', String(file.id)).stdout;
  expect(shown).toContain('1 of 3 lines become rows; 1 rejected, 1 header.');
  expect(shown).toContain('line 3: 2 cells expected, 1 found: Lyon');
  const again = run('datafiles', 'load', String(file.id), '--fill-short-rows', '--json');
  expect([again.status, json<Answer>(again).loaded?.version]).toEqual([0, 2]);
  expect(await rowsOf(world.staging, cities)).toEqual([
    ['Pune', 7],
    ['Lyon', null],
  ]);
  upload(Buffer.from('%PDF-1.7\n'));
  const [failed] = json<{ id: number }[]>(run('datafiles', 'list', '--state', 'failed', '--json'));
  const ignore = (id: number) => run('datafiles', 'ignore', String(id), '--reason', 'Not a table');
  expect(ignore(failed?.id ?? 0).stdout).toContain('is ignored.');
  expect([ignore(file.id).status, ignore(file.id).stderr]).toEqual([
    1,
    expect.stringContaining('is processed now'),
  ]);
}, 30_000);

test('the load command waits for its job when a worker of the server has taken the job', async () => {
  const waiting = json<Answer>(upload(csv('name,people', 'Pune,7', 'Lyon'), '--json'));
  const jobs = setInterval(() => void runJobs(world.staging).catch(() => {}), 20);
  const child = spawn(
    process.execPath,
    ['src/commands/oneway.ts', 'datafiles', 'load', String(waiting.datafile), '--accept-rejects'],
    { env: { ...process.env, ...world.variables.staging }, stdio: 'ignore' },
  );
  const status = await new Promise((resolve) => child.once('exit', resolve));
  clearInterval(jobs);
  expect([status, await rowsOf(world.staging, cities)]).toEqual([0, [['Pune', 7]]]);
});
