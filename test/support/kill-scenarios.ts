// Scenarios for kill tests. Each scenario brings the environments into a known state, and names the task whose process
// is killed and the contents that are expected after recovery.
import { entityNamed } from '../../src/catalog/index.ts';
import type { RowKey } from '../../src/catalog/entity.ts';
import { remove } from '../../src/editing/deletions.ts';
import type { App } from '../../src/environments/app.ts';
import { contents, findings, type Contents, type Finding } from './checker.ts';
import { killedAt, recoverAll } from './killing.ts';
import { handingOn, refreshingNames, rollingThatBack, undoingThat } from './handover-scenarios.ts';
import { rawForms } from './handovers.ts';
import { add, change, writeContextOf, pm, transfer } from './rows.ts';
import { refreshOf, type Scenario } from './scenario.ts';
import type { Task } from './worker.ts';
import { createTrigger } from './triggers.ts';
import type { World } from './world.ts';

let round = 0;

/**
 * Sends a business, a form with fields and a task to pre-production. Then adds, updates, removes and relinks some of
 * these rows in staging.
 */
async function changed({ staging, preprod }: World): Promise<RowKey[]> {
  round += 1;
  for (const here of [staging, preprod]) {
    for (const name of [`Pune ${round}`, `Delhi ${round}`]) await add(here, 'city', { name });
  }
  const cities = (...names: string[]) =>
    names.map((name) => ({ city: `${name} ${round}`, partner: null }));
  const business = await add(staging, 'business', { cities: cities('Pune') });
  const form = await add(staging, 'form');
  const kept = await add(staging, 'form_field', { form });
  const going = await add(staging, 'form_field', { form, label: 'Going' });
  const task = await add(staging, 'task', { business, form, cities: cities('Pune', 'Delhi') });
  const keys = [
    { entity: 'task', id: task },
    { entity: 'form', id: form },
    { entity: 'business', id: business },
  ];
  await transfer(staging, keys);
  await change(staging, { entity: 'business', id: business }, { cities: cities('Delhi') });
  await change(staging, { entity: 'form', id: form }, { description: `Round ${round}` });
  await change(staging, { entity: 'form_field', id: kept }, { label: `Round ${round}` });
  await remove(writeContextOf(staging), pm, entityNamed('form_field'), going);
  await add(staging, 'form_field', { form, label: 'New' });
  await change(staging, { entity: 'task', id: task }, { title: `Round ${round}` });
  await add(staging, 'order_receipt', { task });
  return keys;
}

/** Returns the contents that the destination must have after all changes of an environment were sent. */
const asIn = async (here: App) => contents(here);

const sending: Scenario = async (world) => {
  const keys = await changed(world);
  const before = await contents(world.preprod);
  const after = withOwnNames(await asIn(world.staging), before);
  return {
    task: { do: 'transfer', keys },
    origin: 'staging',
    destination: 'preprod',
    before,
    after,
  };
};

/** Takes changed rows over from the destination: the destination’s content replaces the changes in staging. */
const takingOver: Scenario = async (world) => {
  const keys = await changed(world);
  const before = await contents(world.staging);
  const after = new Map([...before, ...withOwnNames(await contents(world.preprod), before)]);
  return {
    task: { do: 'take over', keys },
    origin: 'staging',
    destination: 'staging',
    before,
    after,
  };
};

/**
 * Returns the contents `theirs` with the cities and partners of `own`, because a takeover does not copy these: each
 * environment has its own cities and partners.
 */
function withOwnNames(theirs: Contents, own: Contents): Contents {
  const isName = (key: string) => key.startsWith('city:') || key.startsWith('partner:');
  return new Map([
    ...[...theirs].filter(([key]) => !isName(key)),
    ...[...own].filter(([key]) => isName(key)),
  ]);
}

const undoing: Scenario = async (world) => {
  const keys = await changed(world);
  const after = await contents(world.preprod);
  const sent = await transfer(world.staging, keys);
  const before = await contents(world.preprod);
  return {
    task: { do: 'undo', transfer: sent.id },
    origin: 'staging',
    destination: 'preprod',
    before,
    after,
  };
};

/** Deletes a form with its fields, so that one deletion writes several documents. */
const deleting: Scenario = async (world) => {
  const { staging } = world;
  const form = await add(staging, 'form');
  const fields = [
    await add(staging, 'form_field', { form }),
    await add(staging, 'form_field', { form }),
  ];
  const before = await contents(staging);
  const after = new Map(before);
  after.delete(`form:${form}`);
  for (const field of fields) after.delete(`form_field:${field}`);
  const task: Task = { do: 'delete', key: { entity: 'form', id: form } };
  return { task, origin: 'staging', destination: 'staging', before, after };
};

const saving: Scenario = async (world) => {
  const { staging } = world;
  const key = { entity: 'form', id: await add(staging, 'form') };
  const before = await contents(staging);
  const facts = { description: 'Saved' };
  await change(staging, key, facts);
  const after = await contents(staging);
  await change(staging, key, { description: null });
  return {
    task: { do: 'save', key, facts },
    origin: 'staging',
    destination: 'staging',
    before,
    after,
  };
};

const refreshing: Scenario = async (world) => {
  const { production } = world;
  const business = await add(production, 'business');
  const form = await add(production, 'form');
  await add(production, 'form_field', { form });
  await add(production, 'task', { business, form });
  return refreshOf(world);
};

/**
 * Kills a transfer at the failpoint (named step) `point`. The task of this scenario is the recovery of that transfer,
 * and the test then kills the recovery, too.
 */
const recovering =
  (point: string, scenario = sending): Scenario =>
  async (world) => {
    const ready = await scenario(world);
    await killedAt(world.variables.staging, ready.task, { point, times: 1 });
    await new Promise((resolve) => setTimeout(resolve, 120));
    return { ...ready, task: { do: 'recover' } };
  };

/**
 * A transfer that MySQL refuses after its MongoDB documents were written, so that the test kills the rollback of the
 * documents.
 */
const rollingBack: Scenario = async (world) => {
  const ready = await sending(world);
  await freeze(world);
  return { ...ready, after: ready.before };
};

const freeze = async ({ preprod }: World) => {
  await preprod.sql.query('drop trigger if exists frozen');
  await createTrigger(
    preprod,
    'frozen',
    "before insert on order_receipt for each row signal sqlstate '45000' set message_text = 'frozen'",
  );
};
const thaw = ({ preprod }: World) => preprod.sql.query('drop trigger if exists frozen');

export const scenarios: Record<string, Scenario> = {
  'a transfer': sending,
  'an undo': undoing,
  'a takeover': takingOver,
  'a save of a form': saving,
  'a deletion of a form with its fields': deleting,
  'a refresh': refreshing,
  'recovery of a transfer that died before its claims': recovering('journal'),
  'recovery of a transfer that died among its documents': recovering('document'),
  'recovery of a transfer that died after COMMIT': recovering('after commit'),
  'a rollback': rollingBack,
  'a transfer that hands on names': handingOn,
  'an undo that hands on names': undoingThat,
  'a refresh that hands on names': refreshingNames,
  'a rollback that hands on names': rollingThatBack,
  'recovery of a transfer that died while it handed on names': recovering('document', handingOn),
};

/**
 * Kills the process of a scenario at its n-th failpoint (named step of a write), runs recovery, and returns the
 * inconsistencies found.
 */
export async function killAt(
  world: World,
  scenario: Scenario,
  n: number,
): Promise<{ found: Finding[]; wasKilled: boolean }> {
  await world.clear();
  const { task, origin, destination, before, after, again } = await scenario(world);
  try {
    const wasKilled = await killedAt(world.variables[origin], task, { point: 'any', times: n });
    await recoverAll(world[origin]);
    if (again) await again();
    const expected = again ? { before: after, after } : { before, after };
    const found = await findings(world[origin], world[destination], expected);
    for (const form of await rawForms(world[destination])) {
      if (form.temporary) found.push({ kind: 'half-applied', what: `form ${form._id} is moving` });
    }
    return { found, wasKilled };
  } finally {
    await thaw(world);
  }
}
