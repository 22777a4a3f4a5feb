// What the page of a kept selection shows above its sheet: its rows, its transfers, and the rows that changed since
// they were sent.
import { keyText, titleOf, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { App } from '../environments/app.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { titlesOf } from '../state/untouched.ts';
import { rowsText } from '../web/format.ts';
import { shorten } from '../web/shorten.ts';
import { liveStates, voidStates, type TransferState } from '../writing/journal.ts';
import type { Facts } from './facts.ts';
import { describe } from './problem.ts';
import { newestOf, retryOf } from './schedules.ts';
import type { Selection } from './selections.ts';
import type { Sheet } from './sheet.ts';

/**
 * How many rows the page lists with a checkbox to remove them. The user can leave out further rows in the sheet below.
 */
const LISTED = 200;
/** How many rows the page names, at most, of those that were added or changed since the selection was sent. */
const NAMED = 10;

/**
 * Returns what the page of a kept selection shows above its sheet; null for a selection that nobody keeps, whose page
 * shows only the sheet.
 */
export async function keptView(here: App, selection: Selection, { facts, plan }: Sheet) {
  if (selection.kept_at === null) return null;
  const { shown, more } = shorten(selection.keys.toReversed(), LISTED);
  const sent = await transfersOf(here.sql, selection.id);
  const open = plan.steps.filter(({ action, because }) => action !== 'same' && because === null);
  const schedule = (await newestOf(here.sql, [selection.id])).get(selection.id) ?? null;
  return {
    schedule,
    retry: schedule?.state === 'running' ? await retryOf(here.sql, schedule) : null,
    maySchedule: !here.settings.requireApproval,
    isOpen: sent.every(({ state }) => voidStates.includes(state)),
    heading: `${rowsText(selection.keys.length)} in this selection`,
    isEmpty: selection.keys.length === 0,
    rows: await rowsOf(here, facts, shown),
    more,
    transfers: sent.map((one) => ({ ...one, outcome: outcomeOf(one.state) })),
    open: sent.some(({ state }) => state === 'verified')
      ? shorten(open.map(describe), NAMED)
      : null,
  };
}

type SentLine = {
  number: number;
  state: TransferState;
  person: string;
  created_at: string;
  written: number;
};

const transfersOf = (on: Queryable, id: string) =>
  select<SentLine>(
    on,
    sql`select number, state, person, created_at,
               (select count(*) from transfer_step step
                 where step.transfer = transfer.id and step.action <> 'same') as written
          from transfer where selection = ${id} order by number`,
  );

function outcomeOf(state: TransferState): string {
  if (state === 'verified') return 'transferred';
  if (state === 'needs_attention') return 'needs attention';
  return liveStates.includes(state) ? 'in progress' : 'refused or rolled back, so nothing changed';
}

/** Returns the rows with their titles. A row that no longer exists gets its last recorded title. */
async function rowsOf(here: App, { pairs }: Facts, keys: RowKey[]) {
  const pairOf = (key: RowKey) => pairs.get(keyText(key));
  const lost = keys.filter((key) => !pairOf(key)?.here && !pairOf(key)?.there);
  const titles = await titlesOf(here, lost);
  return keys.map((key) => {
    const pair = pairOf(key);
    const row = pair?.here ?? pair?.there;
    return {
      key: keyText(key),
      href: `/catalog/${key.entity}/${key.id}${pair?.here ? '' : '/history'}`,
      title: row && pair ? titleOf(pair.entity, row) : (titles.get(keyText(key)) ?? `${key.id}`),
      type: entityNamed(key.entity).label.one,
      status: pair?.status ?? null,
      isDeleted: !pair?.here,
    };
  });
}
