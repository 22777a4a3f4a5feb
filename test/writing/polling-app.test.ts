// An app that polls the destination’s tables by modified_at while transfers run and are killed: it misses nothing and
// never sees a task without its form.
import { expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { select, sql, toSqlInstant } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { add, change, transfer } from '../support/rows.ts';
import { recoverNow, statesOf, transferKilledAt } from '../support/killing.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });

type Seen = {
  tasks: Map<number, string>;
  forms: Map<number, string>;
  orphans: number;
  polls: number;
};

/** Polls the tables for rows with a later `modified_at` than it has read, every few milliseconds. */
function poll(here: App) {
  const seen: Seen = { tasks: new Map(), forms: new Map(), orphans: 0, polls: 0 };
  let [taskCursor, formCursor] = ['2000-01-01T00:00:00.000Z', new Date(0)];
  let isOn = true;
  const once = async () => {
    const tasks = await select<{ id: number; title: string; form_id: number; modified_at: string }>(
      here.sql,
      sql`select id, title, form_id, modified_at from task
           where modified_at > ${toSqlInstant(taskCursor)} order by modified_at, id`,
    );
    for (const task of tasks) {
      const form = await here.documents
        .collection<{ _id: number }>('form')
        .findOne({ _id: task.form_id, removed_at: { $exists: false } });
      if (!form) seen.orphans += 1;
      seen.tasks.set(task.id, task.title);
      taskCursor = `${task.modified_at.replace(' ', 'T')}Z`;
    }
    const forms = await here.documents
      .collection<{ _id: number; description: string; modified_at: Date }>('form')
      .find({ modified_at: { $gt: formCursor } })
      .sort({ modified_at: 1, _id: 1 })
      .toArray();
    for (const form of forms) {
      seen.forms.set(form._id, form.description);
      formCursor = form.modified_at;
    }
    seen.polls += 1;
  };
  const loop = (async () => {
    while (isOn) {
      await once();
      await sleep(3);
    }
    await once();
  })();
  return async () => {
    isOn = false;
    await loop;
    return seen;
  };
}

test('I12 S0-06 S0-37 an app that polls the destination’s tables misses no change while transfers run and are killed', async () => {
  const { staging, preprod } = world;
  const stop = poll(preprod);
  const business = await add(staging, 'business');
  const points = ['document', 'before commit', 'after commit', 'rows', 'finish', 'claim'];
  for (const [round, point] of points.entries()) {
    const form = await add(staging, 'form', { description: `Round ${round}` });
    const task = await add(staging, 'task', { business, form, title: `Task ${round}` });
    const keys = [
      { entity: 'task', id: task },
      { entity: 'form', id: form },
    ];
    await transferKilledAt(world.variables.staging, keys, point);
    await recoverNow(staging);
    await change(staging, keys[0]!, { title: `Task ${round}, second wording` });
    await change(staging, keys[1]!, { description: `Round ${round}, second wording` });
    await transfer(staging, [keys[0]!]);
    await transfer(staging, [keys[1]!]);
  }
  const seen = await stop();
  expect(seen.orphans).toBe(0);
  expect(seen.polls).toBeGreaterThan(50);
  const tasks = await select<{ id: number; title: string }>(
    preprod.sql,
    sql`select id, title from task`,
  );
  expect([...seen.tasks].toSorted()).toEqual(tasks.map(({ id, title }) => [id, title]).toSorted());
  const forms = await preprod.documents
    .collection<{ _id: number; description: string }>('form')
    .find()
    .toArray();
  expect([...seen.forms].toSorted()).toEqual(
    forms.map(({ _id, description }) => [_id, description]).toSorted(),
  );
  expect(new Set(await statesOf(staging))).toEqual(new Set(['verified']));
}, 120_000);
