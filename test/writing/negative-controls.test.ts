// Negative controls: faulty writers that break one rule each. The consistency checker must catch each of them:
// otherwise its silence in other tests proves nothing.
import { expect, test } from 'vitest';
import { keyText } from '../../src/catalog/entity.ts';
import { createConnection } from 'mysql2/promise';
import { contents, findings } from '../support/checker.ts';
import { killedAt } from '../support/killing.ts';
import { add, change, transfer, changedBoth } from '../support/rows.ts';
import { useWorld, type World } from '../support/world.ts';

const world = useWorld();

const kinds = async (expected: Parameters<typeof findings>[2]) =>
  (await findings(world.staging, world.preprod, expected)).map(({ kind }) => kind);

test('the consistency checker finds no faults before and after a complete transfer', async () => {
  const { task, form, before, after } = await changedBoth(world);
  expect(await kinds({ before, after })).toEqual([]);
  await transfer(world.staging, [task, form]);
  expect(await kinds({ before, after })).toEqual([]);
});

test('the consistency checker finds the half-applied rows of a faulty writer that keeps no journal of its writes', async () => {
  const { form, before, after } = await changedBoth(world);
  await world.preprod.documents
    .collection<{ _id: number }>('form')
    .updateOne({ _id: form.id }, { $set: { description: 'Newer' } });
  // This faulty writer writes the form, but never the task.
  expect(await kinds({ before, after })).toEqual(['half-applied']);
});

test('the consistency checker finds another user’s row that a writer overwrote without checking it first', async () => {
  const { task, before, after } = await changedBoth(world);
  const { preprod } = world;
  await change(preprod, task, { title: 'By hand' });
  const foreign = new Map([[keyText(task), (await contents(preprod)).get(keyText(task)) ?? '']]);
  await preprod.sql.query(
    `insert into task (id, title, business_id, priority, active, modified_at)
       select id, 'Newer', business_id, priority, active, modified_at from task where id = ?
         on duplicate key update title = values(title)`,
    [task.id],
  );
  expect(await kinds({ before, after, foreign })).toEqual(['overwritten']);
});

test('the consistency checker finds the half-applied rows of a faulty writer that commits after a lock timeout', async () => {
  const { task, before, after } = await changedBoth(world);
  const { preprod, staging } = world;
  const other = { entity: 'business', id: await add(staging, 'business') };
  await transfer(staging, [other]);
  const start = await contents(preprod);
  const end = new Map([...after, [keyText(other), ''] as const]);
  const renamed = (id: number) => `update business set name = 'Renamed' where id = ${id}`;
  end.set(
    keyText(other),
    (start.get(keyText(other)) ?? '').replace(/"name":"[^"]*"/, '"name":"Renamed"'),
  );
  const { sql_host: host, ...login } = loginOf(world);
  const [holder, writer] = [
    await createConnection({ host, ...login }),
    await createConnection({ host, ...login }),
  ];
  try {
    await holder.query('start transaction');
    await holder.query(`select * from task where id = ${task.id} for update`);
    await writer.query('set innodb_lock_wait_timeout = 1');
    await writer.query('start transaction');
    await writer.query(renamed(other.id));
    await writer.query(`update task set title = 'Newer' where id = ${task.id}`).catch(() => {});
    await writer.query('commit');
  } finally {
    await holder.end();
    await writer.end();
  }
  expect(before.size).toBeGreaterThan(0);
  expect(await kinds({ before: start, after: end })).toContain('half-applied');
});

const loginOf = ({ variables }: World) => ({
  sql_host: variables.preprod['SQL_DB_HOST'] ?? '',
  port: Number(variables.preprod['SQL_DB_PORT']),
  user: variables.preprod['SQL_DB_USER'] ?? '',
  password: variables.preprod['SQL_DB_PASSWORD'] ?? '',
  database: variables.preprod['SQL_DB_NAME'] ?? '',
});

test('the consistency checker reports a transfer that nobody resumes as stuck', async () => {
  const { task, form, before, after } = await changedBoth(world);
  const keys = [task, form];
  await killedAt(world.variables.staging, { do: 'transfer', keys }, { point: 'lock', times: 1 });
  expect(new Set(await kinds({ before, after }))).toEqual(new Set(['stuck']));
});
