// Several people and processes change the same rows at the same time.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { entityNamed } from '../../src/catalog/index.ts';
import { drawIds } from '../../src/environments/ids.ts';
import { remove } from '../../src/editing/deletions.ts';
import * as edits from '../../src/editing/save.ts';
import { storedHashes } from '../../src/rows/row-hashes.ts';
import { read } from '../../src/rows/store.ts';
import { lockClockAndRows } from '../../src/writing/row-locks.ts';
import { transaction } from '../../src/database/sql.ts';
import { draftOf } from '../../src/writing/changes.ts';
import * as claims from '../../src/writing/claims.ts';
import * as journal from '../../src/writing/journal.ts';
import * as adoption from '../../src/transfers/adoption.ts';
import * as nameMapping from '../../src/transfers/name-mapping.ts';
import * as holds from '../../src/transfers/hold.ts';
import {
  claimsIn,
  recoverNow,
  statesOf,
  transferKilledAt,
  transferStoppedAt,
} from '../support/killing.ts';
import {
  add,
  change,
  contentFor,
  ed,
  get,
  has,
  writeContextOf,
  pm,
  sheet,
  transfer,
} from '../support/rows.ts';
import { createTrigger } from '../support/triggers.ts';
import { useWorld } from '../support/world.ts';
import { isReadyToSend, pendingRows } from '../../src/state/pending.ts';

const world = useWorld();

const problemsOf = async (...given: Parameters<typeof sheet>) =>
  (await sheet(...given)).plan.problems.map(({ reason }) => reason);

test('thirty simultaneous saves all succeed without using up the database connections', async () => {
  const ids = await Promise.all(Array.from({ length: 30 }, () => add(world.staging, 'form')));
  expect(new Set(ids).size).toBe(30);
});

test('forty ids that are assigned at the same time, for new tasks, are all different', async () => {
  const ids = await Promise.all(Array.from({ length: 40 }, () => drawIds(world.staging, 'task')));
  expect(new Set(ids).size).toBe(40);
});

test('a business cannot be deleted while another request adds a task to it', async () => {
  const { staging } = world;
  const business = await add(staging, 'business');
  await Promise.allSettled([
    add(staging, 'task', { business }),
    add(staging, 'task', { business }),
    remove(writeContextOf(staging), pm, entityNamed('business'), business),
  ]);
  const [tasks] = await staging.sql.query('select id from task');
  const isThere = await has(staging, { entity: 'business', id: business });
  expect(isThere).toBe((tasks as unknown[]).length > 0);
});

test('a form posted twice adds one row, and its idempotency key (a random text in the form) is refused with other values', async () => {
  const { staging } = world;
  const form = entityNamed('form');
  const content = contentFor('form', { name: 'Address change' });
  const post = (given = content) => edits.add(writeContextOf(staging), pm, form, given, 'the-key');
  const [one, other] = await Promise.all([post(), post()]);
  expect(other).toBe(one);
  expect(await post()).toBe(one);
  await expect(post({ ...content, description: 'Other' })).rejects.toThrow(
    'sent before with other values',
  );
});

test('a writer that waits for a row which another program holds sees the links that the other program writes meanwhile', async () => {
  const { sql: on, documents } = world.staging;
  const city = await add(world.staging, 'city', { name: 'Pune' });
  const ids = await Promise.all([1, 2, 3].map(() => add(world.staging, 'business')));
  const held = ids.toSorted((one, other) => one - other)[1] as number;
  const keys = ids.map((id) => ({ entity: 'business', id }));
  const [other, writer] = [await on.getConnection(), await on.getConnection()];
  const looks: (() => Promise<Map<string, unknown>>)[] = [
    () => read({ sql: writer, documents }, keys),
    () => storedHashes(writer, keys),
  ];
  for (const look of looks) {
    await on.query('delete from business_city');
    await other.query('start transaction');
    await other.query('select id from business where id = ? for update', [held]);
    await writer.query('start transaction');
    const found = lockClockAndRows(writer, keys).then(look);
    await sleep(300);
    await other.query('insert into business_city (business_id, city_id) values (?, ?)', [
      held,
      city,
    ]);
    await other.query('commit');
    const seen = (await found).get(`business:${held}`);
    // No other program writes any more, so the second look shows what the first one should have shown.
    expect(seen).toEqual((await look()).get(`business:${held}`));
    await writer.query('rollback');
  }
  for (const connection of [other, writer]) connection.destroy();
});

test('a writer that waits for a row does not stop the program that holds the row from moving it to another parent row, and has locked it afterwards', async () => {
  const { staging } = world;
  const on = staging.sql;
  const parents = [await add(staging, 'business'), await add(staging, 'business')];
  const [one, last] = parents.toSorted((a, b) => a - b) as [number, number];
  const tasks = [
    await add(staging, 'task', { business: one }),
    await add(staging, 'task', { business: last }),
  ];
  const moved = tasks[1] as number;
  const [other, writer] = [await on.getConnection(), await on.getConnection()];
  await other.query('start transaction');
  await other.query('select id from task where id = ? for update', [moved]);
  await writer.query('start transaction');
  const locking = lockClockAndRows(
    writer,
    tasks.map((id) => ({ entity: 'task', id })),
  );
  await sleep(300);
  // A writer that waits in the index of the parent rows would deadlock with this statement.
  await other.query('update task set business_id = 0 where id = ?', [moved]);
  await other.query('commit');
  await locking;
  for (const id of tasks) {
    const again = other.query('select id from task where id = ? for update nowait', [id]);
    await expect(again).rejects.toThrow(/Lock wait timeout|NOWAIT/);
  }
  await writer.query('rollback');
  for (const connection of [other, writer]) connection.destroy();
});

test('the state of a transfer changes while its lease is renewed', async () => {
  const { staging, preprod } = world;
  const { transfer: one } = await journal.open(staging, preprod, 60_000, draftOf(pm, [], [], {}));
  const renewal = await staging.sql.getConnection();
  await renewal.query('start transaction');
  await renewal.query('select id from transfer where id = ? for update', [one.id]);
  const changing = transaction(staging.sql, (connection) =>
    journal.changeState(connection, one, ['planned'], 'refused'),
  );
  await sleep(300);
  // A change of the state that waits in the index of the running transfers would deadlock with this statement.
  await renewal.query('update transfer set lease_until = utc_timestamp(3) where id = ?', [one.id]);
  await renewal.query('commit');
  renewal.release();
  await changing;
  expect((await journal.byId(staging.sql, one.id))?.state).toBe('refused');
});

describe('transfers of rows that another transfer is writing', () => {
  test('the transfer sheet refuses rows that another transfer is still writing', async () => {
    const { staging, preprod } = world;
    const business = await add(staging, 'business');
    const form = await add(staging, 'form');
    const task = await add(staging, 'task', { business, form });
    const keys = [
      { entity: 'task', id: task },
      { entity: 'form', id: form },
    ];
    await transfer(staging, keys);
    await change(staging, keys[0]!, { title: 'Newer' });
    await change(staging, keys[1]!, { description: 'Newer' });
    await transferKilledAt(world.variables.staging, keys, 'before commit');
    expect(await problemsOf(preprod, keys)).toContain('being-written');
    await recoverNow(staging);
    expect(await problemsOf(preprod, keys)).toEqual([]);
  });
});

describe('a rollback of a transfer whose process is killed', () => {
  test.each(['rollback claim', 'rollback state', 'rollback document', 'roll-back'])(
    'recovery completes a rollback that was killed at the step “%s”, and records the new document as deleted',
    async (point) => {
      const { staging, preprod } = world;
      const form = await add(staging, 'form');
      await add(staging, 'form_field', { form });
      const task = await add(staging, 'task', { business: await add(staging, 'business'), form });
      await createTrigger(
        preprod,
        'no_tasks',
        "before insert on arrival for each row if new.entity = 'task' then signal sqlstate '45000' set message_text = 'frozen'; end if",
      );
      try {
        // The trigger makes the transfer fail, and the process is killed at this step of the
        // rollback.
        await transferKilledAt(world.variables.staging, [{ entity: 'task', id: task }], point);
        await recoverNow(staging);
      } finally {
        await preprod.sql.query('drop trigger no_tasks');
      }
      expect(await statesOf(staging)).toEqual(['rolled_back']);
      expect(await claimsIn(preprod)).toBe(0);
      expect(await has(preprod, { entity: 'form', id: form })).toBe(false);
      const [lines] = await preprod.sql.query('select deleted_at from row_state where entity = ?', [
        'form',
      ]);
      expect((lines as { deleted_at: string }[])[0]?.deleted_at).not.toBeNull();
    },
  );
});

describe('rows that engineers have changed', () => {
  test('adopting an engineer’s change of a form is refused if an engineer saved a field of the form after the page was opened', async () => {
    const { staging } = world;
    const form = await add(staging, 'form', {}, ed);
    const key = { entity: 'form', id: form };
    const [opened] = (
      await staging.sql.query('select engineering_at from row_state where entity = ?', ['form'])
    )[0] as { engineering_at: string }[];
    await add(staging, 'form_field', { form }, ed);
    await expect(
      adoption.adopt(staging, pm.email, key, opened?.engineering_at ?? ''),
    ).rejects.toThrow('was saved again');
  });

  test('an engineer who moves a dependent row marks its former and its new parent row as changed by engineering', async () => {
    const { staging } = world;
    const [one, other] = [await add(staging, 'form'), await add(staging, 'form')];
    const field = { entity: 'form_field', id: await add(staging, 'form_field', { form: one }) };
    const keys = [one, other].map((id) => ({ entity: 'form', id }));
    await transfer(staging, keys);
    await change(staging, field, { form: other }, ed);
    const [lines] = await staging.sql.query(
      "select engineering_by from row_state where entity = 'form'",
    );
    expect(lines).toEqual([{ engineering_by: ed.email }, { engineering_by: ed.email }]);
    expect(await problemsOf(staging, [keys[1]!])).toEqual(['engineering']);
  });
});

test('a transfer releases its many claims without waiting for another transfer whose rows are being written', async () => {
  const { staging, preprod } = world;
  const claimed = async (from: number) => {
    const { transfer: one } = await journal.open(staging, preprod, 2000, draftOf(pm, [], [], {}));
    const write = Array.from({ length: 500 }, (_one, index) => ({
      entity: 'task',
      id: from + 2 * index,
    }));
    await transaction(preprod.writers, (on) => claims.acquire(on, one, { write, shared: [] }));
    return one;
  };
  const [done, other] = [await claimed(1), await claimed(1001)];
  await transaction(preprod.writers, async (connection) => {
    await claims.lock(connection, other);
    expect(await claims.release(preprod.sql, done)).toBe(500);
  });
  expect(await claimsIn(preprod)).toBe(500);
  await claims.release(preprod.sql, other);
});

test('a dependent row that moved to another parent row is sent together with its new parent row', async () => {
  const { staging, preprod } = world;
  const [one, other] = [await add(staging, 'form'), await add(staging, 'form')];
  const field = { entity: 'form_field', id: await add(staging, 'form_field', { form: one }) };
  const keys = [one, other].map((id) => ({ entity: 'form', id }));
  await transfer(staging, keys);
  await change(staging, field, { form: other });
  await transfer(staging, [keys[1]!]);
  expect((await get(preprod, field))['form']).toBe(other);
  expect(await problemsOf(staging, [keys[0]!])).toEqual([]);
});

test('sending an unchanged business with linked cities again gives it a later modified_at', async () => {
  const { staging, preprod } = world;
  for (const here of [staging, preprod]) await add(here, 'city', { name: 'Pune' });
  const key = {
    entity: 'business',
    id: await add(staging, 'business', { cities: [{ city: 'Pune', partner: null }] }),
  };
  await transfer(staging, [key]);
  const before = (await get(preprod, key)).modified_at;
  await transfer(staging, [key], { resend: true });
  expect((await get(preprod, key)).modified_at > before).toBe(true);
});

test('a confirmation typed for one plan of a transfer does not confirm a changed plan', async () => {
  const { staging, preprod } = world;
  const [one, other] = [
    { entity: 'form', id: await add(staging, 'form') },
    { entity: 'form', id: await add(staging, 'form') },
  ];
  await transfer(staging, [one, other]);
  await change(staging, one, { description: 'Ours' });
  await change(staging, other, { description: 'Ours' });
  await change(preprod, one, { description: 'Theirs' });
  const seen = await sheet(staging, [one, other]);
  const typed = { overwrite: 'overwrite', typedFor: seen.plan.hash };
  expect(await problemsOf(staging, [one, other], typed)).toEqual([]);
  await change(preprod, other, { description: 'Theirs too' });
  expect(await problemsOf(staging, [one, other], typed)).toEqual([
    'changed-there',
    'changed-there',
  ]);
});

test('a row marked “Not for production” is left out of the pending counts, together with its dependent rows', async () => {
  const { staging } = world;
  const form = await add(staging, 'form');
  await transfer(staging, [{ entity: 'form', id: form }]);
  await holds.hold(staging, pm.email, { entity: 'form', id: form }, null);
  await add(staging, 'form_field', { form });
  const waits = [...(await pendingRows(staging.sql, entityNamed('form'))).values()];
  expect(waits.map(({ isHeld }) => isHeld)).toEqual([true]);
  expect(waits.filter(isReadyToSend)).toEqual([]);
});

test('the transfer sheet refuses a row with two cities that are mapped to the same city of the destination', async () => {
  const { staging, preprod } = world;
  for (const name of ['Bombay', 'Mumbai']) await add(staging, 'city', { name });
  await add(preprod, 'city', { name: 'Mumbai' });
  const cities = ['Bombay', 'Mumbai'].map((city) => ({ city, partner: null }));
  const key = { entity: 'business', id: await add(staging, 'business', { cities }) };
  await nameMapping.mapName(staging, pm.email, { entity: 'city', name: 'Bombay', there: 'Mumbai' });
  expect(await problemsOf(staging, [key])).toEqual(['name-ambiguous']);
});

test('a transfer creates a city at the destination under its mapped name, and links the business to this city', async () => {
  const { staging } = world;
  await add(staging, 'city', { name: 'Bombay', country: 'IN' });
  const key = {
    entity: 'business',
    id: await add(staging, 'business', { cities: [{ city: 'Bombay', partner: null }] }),
  };
  await nameMapping.mapName(staging, pm.email, { entity: 'city', name: 'Bombay', there: 'Mumbai' });
  const { id } = await transfer(staging, [key], { create: ['city:Mumbai'] });
  const steps = await journal.stepsOf(staging.sql, id);
  expect(steps.map(({ outcome }) => outcome)).toEqual(['created', 'created']);
});

test('a transfer keeps fields of a document at the destination that this version of Oneway does not know', async () => {
  const { staging, preprod } = world;
  const key = { entity: 'form', id: await add(staging, 'form') };
  await transfer(staging, [key]);
  const forms = preprod.documents.collection<{ _id: number; layout?: string }>('form');
  await forms.updateOne({ _id: key.id }, { $set: { layout: 'two columns' } });
  await change(staging, key, { description: 'Newer' });
  await transfer(staging, [key]);
  expect(await forms.findOne({ _id: key.id })).toMatchObject({
    layout: 'two columns',
    description: 'Newer',
  });
});

test.each(['open', 'lock', 're-check', 'document', 'before commit', 'after commit'])(
  'I9 I13 a process paused at the step “%s” changes nothing when it resumes after another process has recovered its transfer',
  async (point) => {
    const { staging, preprod, variables } = world;
    const form = { entity: 'form', id: await add(staging, 'form') };
    const task = {
      entity: 'task',
      id: await add(staging, 'task', { business: await add(staging, 'business') }),
    };
    await transfer(staging, [form, task]);
    await change(staging, form, { description: 'Newer' });
    await change(staging, task, { title: 'Newer' });
    const goOn = await transferStoppedAt(variables.staging, [form, task], point);
    await recoverNow(staging);
    expect(await statesOf(staging)).toEqual(['verified', 'verified']);
    await change(staging, form, { description: 'Newest' });
    await change(staging, task, { title: 'Newest' });
    await transfer(staging, [form, task]);
    await goOn();
    expect((await get(preprod, form))['description']).toBe('Newest');
    expect((await get(preprod, task))['title']).toBe('Newest');
    expect(await statesOf(staging)).toEqual(['verified', 'verified', 'verified']);
    expect(await claimsIn(preprod)).toBe(0);
  },
);
