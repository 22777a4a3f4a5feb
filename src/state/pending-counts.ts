// Counts rows with pending changes for the home page and the menu, from what was last observed of the destination.
import { keyText } from '../catalog/entity.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { allPending, groups, type Group, type PendingEntry } from './pending-entries.ts';
import { keyOfLine } from './row-state.ts';
import { overwrites } from './status.ts';

export type GroupCounts = Record<Group, number>;

export type PendingCounts = {
  all: GroupCounts;
  /** The counts of each entity, by the name of the entity. */
  ofEntity: Map<string, GroupCounts>;
  /** How many rows each person changed, by e-mail. Rows that are marked *Not for production* are not counted. */
  ofPerson: Map<string, number>;
  /** Rows that need review because the destination changed them, too. */
  changedThere: number;
  /** Rows without a test result since they last changed; always 0 in an environment that does not test rows. */
  untested: number;
  /** Rows that were tested after their last change, with the latest result *Does not work*. */
  failing: number;
};

export async function countPending({ sql: on, rules }: Environment): Promise<PendingCounts> {
  const entries = await allPending(on);
  const tested = rules.isTested ? await lastTests(on) : null;
  const shown = entries.filter(({ group }) => group !== 'held');
  const changers = shown.flatMap(({ people }) => people);
  return {
    all: groupCounts(entries),
    ofEntity: new Map(
      [...Map.groupBy(entries, ({ key }) => key.entity)].map(([name, of]) => [
        name,
        groupCounts(of),
      ]),
    ),
    ofPerson: new Map(
      [...Map.groupBy(changers, (person) => person)].map(([person, { length }]) => [
        person,
        length,
      ]),
    ),
    changedThere: shown.filter(({ group, status }) => group === 'look' && overwrites(status))
      .length,
    untested: tested ? shown.filter((entry) => isUntested(entry, tested)).length : 0,
    failing: tested ? shown.filter((entry) => isFailing(entry, tested)).length : 0,
  };
}

/** Counts the pending rows of another environment; its test results are not read. */
export const countGroups = async (on: Queryable): Promise<GroupCounts> =>
  groupCounts(await allPending(on));

const groupCounts = (entries: PendingEntry[]) =>
  Object.fromEntries(
    groups.map((group) => [group, entries.filter((entry) => entry.group === group).length]),
  ) as GroupCounts;

type LastTest = { at: string; failed_at: string | null };

/** When each row was last tested, and last found not to work, by key text (`task:12`). */
async function lastTests(on: Queryable): Promise<Map<string, LastTest>> {
  const lines = await select<LastTest & { entity: string; row_id: number }>(
    on,
    sql`select entity, row_id, max(at) as at, max(if(works, null, at)) as failed_at
          from test_result group by entity, row_id`,
  );
  return new Map(lines.map((line) => [keyText(keyOfLine(line)), line]));
}

const isUntested = ({ key, status, changedAt }: PendingEntry, tested: Map<string, LastTest>) =>
  !status.startsWith('Deleted here') && (tested.get(keyText(key))?.at ?? '') < changedAt;

function isFailing({ key, changedAt }: PendingEntry, tested: Map<string, LastTest>): boolean {
  const last = tested.get(keyText(key));
  return last !== undefined && last.at >= changedAt && last.failed_at === last.at;
}
