// Negative controls: writers that break one rule each. The checker must catch every one of them, or it says
// nothing about the others.
import { expect, test } from '@jest/globals';
import { keyText } from '../../src/catalog/entity.ts';
import { createConnection } from 'mysql2/promise';
import { contents, findings } from '../support/checker.ts';
import { killedAt } from '../support/killing.ts';
import { add, change, transfer, changedBoth } from '../support/rows.ts';
import { useWorld, type World } from '../support/world.ts';

const world = useWorld();

const kinds = async (expected: Parameters<typeof findings>[2]) =>
  (await findings(world.staging, world.preprod, expected)).map(({ kind }) => kind);

test('as nothing was done, and after a whole transfer, it finds nothing', async () => {
  const { task, form, before, after } = await changedBoth(world);
  expect(await kinds({ before, after })).toEqual([]);
  await transfer(world.staging, [task, form]);
  expect(await kinds({ before, after })).toEqual([]);
});

test('a writer without a journal that dies in the middle', async () => {
  const { form, before, after } = await changedBoth(world);
  await world.preprod.documents
    .collection<{ _id: number }>('form')
    .updateOne({ _id: form.id }, { $set: { description: 'Newer' } });
  // … and never comes to the task.
  expect(await kinds({ before, after })).toEqual(['half-applied']);
});

test('a blind upsert over what someone else wrote', async () => {
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

test('COMMIT after a lock-wait timeout: the server rolled back the statement only', async () => {
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

test('a transfer that nobody carries on', async () => {
  const { task, form, before, after } = await changedBoth(world);
  const keys = [task, form];
  await killedAt(world.variables.staging, { do: 'transfer', keys }, { point: 'lock', times: 1 });
  expect(new Set(await kinds({ before, after }))).toEqual(new Set(['stuck']));
});
