// Scenarios for kill tests: a process is killed while it writes rows that swap their unique names, or that take the
// names of removed rows.
import { entityNamed } from '../../src/catalog/index.ts';
import type { RowKey } from '../../src/catalog/entity.ts';
import { remove } from '../../src/editing/deletions.ts';
import type { App } from '../../src/environments/app.ts';
import { contents } from './checker.ts';
import { rename } from './handovers.ts';
import { add, pm, transfer, writeContextOf } from './rows.ts';
import { refreshNow, refreshOf, type Scenario } from './scenario.ts';
import type { Task } from './worker.ts';
import { createTrigger } from './triggers.ts';
import type { World } from './world.ts';

const pairOf = async (here: App, entity: string): Promise<RowKey[]> => [
  { entity, id: await add(here, entity, { name: 'A' }) },
  { entity, id: await add(here, entity, { name: 'B' }) },
];

/**
 * Adds rows and changes their unique names in staging. In each database two rows swap their names, and one form is
 * removed while another form takes its name.
 */
async function renamed({ staging, preprod }: World): Promise<RowKey[]> {
  const [businesses, forms] = [await pairOf(staging, 'business'), await pairOf(staging, 'form')];
  const gone = { entity: 'form', id: await add(staging, 'form', { name: 'C' }) };
  const heir = { entity: 'form', id: await add(staging, 'form', { name: 'D' }) };
  const keys = [...businesses, ...forms, gone, heir];
  await transfer(staging, keys);
  await remove(writeContextOf(staging), pm, entityNamed('form'), gone.id);
  await rename(staging, [...businesses, ...forms, heir], ['B', 'A', 'B', 'A', 'C']);
  const seen = await contents(preprod);
  if (seen.size !== keys.length) throw new Error('The rows were not sent');
  return keys;
}

export const handingOn: Scenario = async (world) => {
  const keys = await renamed(world);
  const before = await contents(world.preprod);
  const after = await contents(world.staging);
  const task: Task = { do: 'transfer', keys };
  return { task, origin: 'staging', destination: 'preprod', before, after };
};

export const undoingThat: Scenario = async (world) => {
  const keys = await renamed(world);
  const after = await contents(world.preprod);
  const { id } = await transfer(world.staging, keys);
  const before = await contents(world.preprod);
  const task: Task = { do: 'undo', transfer: id };
  return { task, origin: 'staging', destination: 'preprod', before, after };
};

/** A transfer that MySQL refuses after its MongoDB documents were written, so that the documents are rolled back. */
export const rollingThatBack: Scenario = async (world) => {
  const ready = await handingOn(world);
  await createTrigger(
    world.preprod,
    'frozen',
    `before update on clock for each row begin
       if exists (select 1 from arrival join claim on claim.transfer = arrival.transfer) then
         signal sqlstate '45000' set message_text = 'frozen';
       end if;
     end`,
  );
  return { ...ready, after: ready.before };
};

/**
 * A refresh (a copy of all rows from production to staging) after two rows in each database of production swapped their
 * names.
 */
export const refreshingNames: Scenario = async (world) => {
  const { staging, preprod, production } = world;
  const keys = [...(await pairOf(production, 'business')), ...(await pairOf(production, 'form'))];
  for (const here of [preprod, staging]) await refreshNow(here);
  await rename(production, keys, ['B', 'A', 'B', 'A']);
  const ready = await refreshOf(world);
  if (ready.before.size !== keys.length) throw new Error('The rows were not refreshed');
  return ready;
};
