// Adds, changes, transfers and undoes rows in tests. A test gives only the relevant fields; the rest are valid.
import { v4 as uuid } from 'uuid';
import { entityNamed } from '../../src/catalog/index.ts';
import { keyText, type Content, type Row, type RowKey } from '../../src/catalog/entity.ts';
import type { App } from '../../src/environments/app.ts';
import { readOne } from '../../src/rows/store.ts';
import * as edits from '../../src/editing/save.ts';
import { byId, stepsOf, type Transfer } from '../../src/writing/journal.ts';
import { noChoices, type Choices } from '../../src/sheet/choices.ts';
import type { Author } from '../../src/state/row-state.ts';
import { recordedState } from '../../src/state/untouched.ts';
import { SheetProblems } from '../../src/sheet/problem.ts';
import * as selections from '../../src/sheet/selections.ts';
import { prepareSheet } from '../../src/sheet/sheet.ts';
import { send } from '../../src/transfers/send.ts';
import { contents } from './checker.ts';
import { sampleContent } from './sample-content.ts';
import type { World } from './world.ts';
import { routeFrom as inwards, type Route } from '../../src/sheet/route.ts';

export const pm: Author = { email: 'pm@example.com', isProductManager: true };
export const ed: Author = { email: 'ed@example.com', isProductManager: false };

export const contentFor = (entity: string, facts: Content): Content => ({
  ...sampleContent(entityNamed(entity)),
  ...facts,
});

export const writeContextOf = (here: App) => ({ here, lease: here.settings.lease.milliseconds });

/** Adds a row as the pages do, and returns the id of the row. */
export const add = (here: App, entity: string, facts: Content = {}, by: Author = pm) =>
  edits.add(writeContextOf(here), by, entityNamed(entity), contentFor(entity, facts));

export async function change(here: App, key: RowKey, facts: Content, by: Author = pm) {
  const row = await get(here, key);
  const { id, modified_at: _modified, ...content } = row;
  const state = await version(here, key);
  return edits.save(
    writeContextOf(here),
    by,
    { entity: entityNamed(key.entity), id },
    { ...content, ...facts },
    state,
  );
}

export async function version(here: App, key: RowKey): Promise<number> {
  return (await recordedState(here, key, await readOne(here, key)))?.version ?? 0;
}

export async function get(here: App, key: RowKey): Promise<Row> {
  const row = await readOne(here, key);
  if (!row) throw new Error(`${keyText(key)} is not in ${here.name}`);
  return row;
}

export const has = async (here: App, key: RowKey) => (await readOne(here, key)) !== undefined;

export function routeFrom(here: App): Route {
  if (!here.destination) throw new Error(`${here.name} has no destination`);
  return {
    from: here,
    to: here.destination,
    lease: here.settings.lease.milliseconds,
    hostHere: null,
    asksApproval: here.settings.requireApproval,
  };
}

/**
 * Makes a selection of rows and prepares its transfer sheet. `choices`: what the user chooses and types on the sheet.
 */
export async function sheet(here: App, keys: RowKey[], choices: Partial<Choices> = {}) {
  const id = await selections.create(here.sql, pm.email, { keys });
  const selection = {
    ...(await selections.find(here.sql, id)),
    choices: { ...noChoices, ...choices },
  };
  return { selection, ...(await prepareSheet(routeFrom(here), selection)) };
}

/** Prepares the transfer sheet of rows and sends the transfer. */
export async function transfer(
  here: App,
  keys: RowKey[],
  choices: Partial<Choices> = {},
): Promise<Transfer> {
  const seen = await sheet(here, keys, choices);
  const { selection, plan } = choices.overwrite
    ? await sheet(here, keys, { ...choices, typedFor: seen.plan.hash })
    : seen;
  return send(routeFrom(here), selection, {
    planHash: plan.hash,
    idempotencyKey: uuid(),
    name: '',
    reason: 'Checked with the shop',
    person: pm.email,
  });
}

/**
 * Returns the codes of the problems for which a click on the transfer button is refused; throws if the click is
 * accepted.
 */
export async function refusalOf(click: Promise<unknown>): Promise<string[]> {
  const error = await click.then(
    () => new Error('The click was not refused.'),
    (refusal: unknown) => refusal,
  );
  if (!(error instanceof SheetProblems)) throw error;
  return error.problems.map(({ reason }) => reason);
}

/** Prepares the sheet that undoes a transfer; `keys` chooses single rows of the transfer. */
export async function undoSheet(
  here: App,
  { id }: Transfer,
  keys: RowKey[] = [],
  choices: Partial<Choices> = {},
) {
  const all = (await stepsOf(here.sql, id)).map((step) => ({ entity: step.entity, id: step.id }));
  const selection = await selections.find(
    here.sql,
    await selections.create(here.sql, pm.email, {
      keys: keys.length > 0 ? keys : all,
      name: await nameOfUndo(here, id),
      kind: 'undo',
      undoes: id,
    }),
    'undo',
  );
  const decided = { ...selection, choices: { ...noChoices, ...choices } };
  return { selection: decided, ...(await prepareSheet(routeFrom(here), decided)) };
}

/** Prepares the sheet that takes rows over from the destination, or restores them from production, and confirms it. */
export async function takeOver(
  here: App,
  keys: RowKey[],
  choices: Partial<Choices> = {},
  kind: 'takeover' | 'restore' = 'takeover',
): Promise<Transfer> {
  const id = await selections.create(here.sql, pm.email, { keys, kind });
  return sendInwards(here, await selections.find(here.sql, id, kind), choices);
}

/** Undoes a takeover or a restore, or an earlier undo of one: prepares the sheet of the undo and confirms it. */
export async function undoHere(here: App, done: Transfer): Promise<Transfer> {
  const undone = await selections.stepsToUndo(here.sql, done, []);
  const id = await selections.create(here.sql, pm.email, selections.undoOf(done, undone));
  return sendInwards(here, await selections.find(here.sql, id, 'undo-here'), {});
}

/**
 * Confirms a sheet that writes into this environment. If `choices` contains the typed confirmation that changes are
 * overwritten, the confirmation is linked to the plan of this sheet, as if the user had typed it on this sheet.
 */
async function sendInwards(
  here: App,
  found: selections.Selection,
  choices: Partial<Choices>,
): Promise<Transfer> {
  const route = inwards(here, pm.email, found.kind);
  const selection = { ...found, choices: { ...noChoices, ...choices } };
  if (choices.overwrite) {
    selection.choices.typedFor = (await prepareSheet(route, selection)).plan.hash;
  }
  const { plan } = await prepareSheet(route, selection);
  return send(route, selection, {
    planHash: plan.hash,
    idempotencyKey: uuid(),
    name: '',
    reason: null,
    person: pm.email,
  });
}

const nameOfUndo = async (here: App, id: string) =>
  `Undo of ${((await byId(here.sql, id))?.name ?? '').replace(/^Undo of /, 'undo of ')}`;

/** Prepares the sheet that undoes a transfer, and sends the undo. */
export async function undo(
  here: App,
  sent: Transfer,
  keys: RowKey[] = [],
  reason = 'It was too early',
  idempotencyKey = uuid(),
  choices: Partial<Choices> = {},
): Promise<Transfer> {
  const { selection, plan } = await undoSheet(here, sent, keys, choices);
  return send(routeFrom(here), selection, {
    planHash: plan.hash,
    idempotencyKey,
    name: selection.name,
    reason,
    person: pm.email,
  });
}

/**
 * Sends a task and its form to pre-production, and changes both in staging. Returns their keys, and the contents of the
 * destination before and after a second transfer.
 */
export async function changedBoth({ staging, preprod }: Pick<World, 'staging' | 'preprod'>) {
  const form = { entity: 'form', id: await add(staging, 'form') };
  const business = await add(staging, 'business');
  const task = { entity: 'task', id: await add(staging, 'task', { business, form: form.id }) };
  await transfer(staging, [task]);
  const before = await contents(preprod);
  await change(staging, form, { description: 'Newer' });
  await change(staging, task, { title: 'Newer' });
  return { task, form, before, after: await contents(staging) };
}
export type Changed = Awaited<ReturnType<typeof changedBoth>>;
