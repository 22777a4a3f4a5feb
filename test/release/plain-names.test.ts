// A database of version 1.3.0 with rows in every renamed table is upgraded without losing a row.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dropEnvironments, prepareEnvironments } from '../../bin/databases.ts';
import { available, migrate } from '../../src/database/migrate.ts';
import { first, select, sql } from '../../src/database/sql.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import * as selections from '../../src/sheet/selections.ts';
import { readDestinationStates } from '../../src/state/destination-state.ts';
import { imagesOf, replaced } from '../../src/database/image-bundles.ts';
import * as journal from '../../src/writing/journal.ts';
import { servers, settingsOf } from '../support/world.ts';

const name = `names${process.env['VITEST_POOL_ID'] ?? '0'}`;
const hash = 'a'.repeat(64);
const task = { entity: 'task', id: 7 };
let here: App;

beforeAll(async () => {
  await dropEnvironments(servers(), name);
  const variables = await prepareEnvironments(servers(), name, () => `/tmp/${name}`);
  here = openApp(settingsOf(variables.staging, { LOG_LEVEL: 'silent' }));
  const before = (await available()).filter((one) => !one.startsWith('app/') || one < 'app/0006');
  await migrate(here.sql, here.documents, { names: before });
  for (const statement of oldRows) await here.sql.query(statement);
});
afterAll(() => here.close());

const transfer = (number: number, kind: string, state: string, decision: string | null) =>
  `insert into transfer (id, number, kind, state, fence, lease_until, origin, destination, name, person, role,
     idempotency_key, plan_hash, chain, relied_on, created_at, decision)
   values ('t${number}', ${number}, '${kind}', '${state}', 1, now(3), 'staging', 'preprod', 'Old', 'pm@example.com',
     'product_manager', 'k${number}', '${hash}', '[]', '[]', now(3), ${decision ? `'${decision}'` : 'null'})`;

const oldRows = [
  `insert into stop_state (entity, row_id, seen_hash, seen_at, base_hash, base_content, undone_by)
   values ('task', 7, '${hash}', '2026-01-02 03:04:05.678', '${hash}', '"title":"A"', 'ana@example.com')`,
  `insert into checked (entity, stretch, generation, digest, here_lines, there_lines)
   values ('task', 0, 3, '${hash}', '', '')`,
  `insert into verdict (entity, row_id, hash, works, note, person)
   values ('task', 7, '${hash}', 1, 'Tried on a phone', 'qa@example.com')`,
  transfer(1, 'copy-down', 'verified', null),
  transfer(2, 'bring-back', 'put_back', 'put-back'),
  transfer(3, 'transfer', 'putting_back', 'leave-theirs'),
  `insert into transfer_step (transfer, seq, entity, row_id, title, action, outcome, kept,
     before_image, after_image)
   values ('t3', 1, 'task', 7, 'A', 'update', 'left as theirs', '["message"]', '{"id":7,"title":"Old"}',
     '{"id":7,"title":"A"}')`,
  `insert into arrival (transfer, seq, entity, row_id, root_entity, root_id, title, action, kind, name, person,
     origin, at, chain, version, before_image)
   values ('t1', 1, 'task', 7, 'task', 7, 'A', 'update', 'copy-down', 'Old', 'copy-down', 'staging', now(3), '[]', 1,
     '{"id":7,"title":"Older"}')`,
  `insert into selection (id, kind, name, person, row_keys, choices, chain)
   values ('s1', 'bring-back', 'Old', 'pm@example.com', '["task:7"]', '{"kept":{"task:7":["message"]}}', '[]')`,
  `insert into job (id, kind, name, person, input, state, only_one, report)
   values ('j1', 'copy-down', 'Old', 'pm@example.com', '{"isLook":true}', 'waiting', 'copy-down',
             '{"left":1,"leftAlone":[{"why":"left of it"}]}'),
          ('j2', 'comparison', 'Old', 'pm@example.com', '{"isAnew":false}', 'waiting', 'comparison', null)`,
];

test('a database of version 1.3.0 is upgraded with its renamed tables, columns and values, and keeps every row', async () => {
  const applied = await migrate(here.sql, here.documents);
  expect(applied).toContain('app/0006-plain-names.sql');
  const states = await readDestinationStates(here.sql, [task]);
  expect(states.get('task:7')).toMatchObject({
    observed_hash: hash,
    observed_at: '2026-01-02 03:04:05.678',
    base_hash: hash,
    undone_by: 'ana@example.com',
  });
  expect(await select(here.sql, sql`select row_id, works, note from test_result`)).toEqual([
    { row_id: 7, works: 1, note: 'Tried on a phone' },
  ]);
  const transfers = await select<journal.Transfer>(
    here.sql,
    sql`select * from transfer order by number`,
  );
  expect(transfers.map(({ kind, state, decision }) => [kind, state, decision])).toEqual([
    ['refresh', 'verified', null],
    ['restore', 'rolled_back', 'roll-back'],
    ['transfer', 'rolling_back', 'keep-theirs'],
  ]);
  expect(await journal.stepsOf(here.sql, 't3')).toMatchObject([
    {
      outcome: 'kept theirs',
      excludedFields: ['message'],
      before: { title: 'Old' },
      after: { title: 'A' },
    },
  ]);
  expect(await imagesOf(here.sql, replaced, 't1')).toEqual(
    new Map([[1, { id: 7, title: 'Older' }]]),
  );
  expect(await first(here.sql, sql`select kind from arrival`)).toEqual({ kind: 'refresh' });
  const selection = await selections.find(here.sql, 's1', 'restore');
  expect(selection.choices.excludedFields).toEqual({ 'task:7': ['message'] });
  const jobs = await select(
    here.sql,
    sql`select kind, input, only_one, report from job order by id`,
  );
  expect(jobs).toEqual([
    {
      kind: 'refresh',
      input: '{"dryRun":true}',
      only_one: 'refresh',
      report: '{"skipped":1,"skippedRows":[{"why":"left of it"}]}',
    },
    { kind: 'comparison', input: '{"isFull":false}', only_one: 'comparison', report: null },
  ]);
});

test('a program of version 1.3.0 can still read the table destination_state under its former name', async () => {
  expect(await select(here.sql, sql`select row_id, seen_hash, base_hash from stop_state`)).toEqual([
    { row_id: 7, seen_hash: hash, base_hash: hash },
  ]);
});
