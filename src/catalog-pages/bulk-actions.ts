// The actions that a list offers for many rows at once. An action changes each row with the same checks and the same
// audit line as the page of a single row.
import type { Ability } from '../access/permissions.ts';
import { titleOf, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { deletions, remove } from '../editing/deletions.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict, Invalid } from '../problems.ts';
import type { Author, RowState } from '../state/row-state.ts';
import { adopt } from '../transfers/adoption.ts';
import { hold, removeHold } from '../transfers/hold.ts';
import { personName, plural } from '../web/format.ts';
import type { Form } from '../web/form/form.ts';
import type { WriteContext } from '../writing/changes.ts';
import { lookAtValue, postedValue, setValue, type FieldValue } from './bulk-values.ts';

/**
 * The most rows that one request changes, so that the browser gets an answer in time. If an action
 * has more rows, a job changes them.
 */
export const AT_ONCE = 200;
/**
 * The most rows that one action changes, as many as a selection may contain. The confirmation page
 * reads every row in one request.
 */
const MOST = 20_000;
/**
 * Returns how many rows one action may change. A staging database (a copy of a backup) runs no jobs, so one request
 * must change all rows.
 */
export const mostFor = ({ copy }: { copy?: object }) => (copy ? AT_ONCE : MOST);

/**
 * A row that a user chose for an action. `seen`: the state of the row that the page showed, such as
 * its version. If the state has changed meanwhile, the row is not overwritten.
 */
export type BulkTarget = { entity: Entity; key: RowKey; title: string; seen: string };

type Shown = { row: Row; state: RowState | undefined };
/**
 * What an action finds out about a row before it changes the row. `skip`: why the row is skipped; null if it is not.
 * `isRefused`: whether that reason is an error. `seen`: the state of the row, which must be the same when the action
 * changes the row.
 */
type Looked = { skip: string | null; isRefused?: boolean; seen: string };

/** What the user enters: a reason, or a field and its new value. Null if the action asks for neither. */
export type BulkValues = { reason: string | null } | FieldValue | null;

/** The person who requested an action, and the time of the request. */
type Order = { person: string; since: string };

type Work = { writes: WriteContext; author: Author; values: BulkValues };

export type BulkAction = {
  name: string;
  ability: Extract<Ability, 'edit' | 'transfer'>;
  icon: string;
  /**
   * `label`: the text of the button in the bar of a list. `done`: the end of the message after the
   * action, as in `3 tasks deleted here.`
   */
  label: string;
  done: string;
  isDangerous?: boolean;
  asks?: 'reason' | 'value';
  explanation: string;
  /**
   * Finds out for each row whether the action would skip it, with a fixed number of queries. The
   * results are in the order of the rows.
   */
  look(writes: WriteContext, entity: Entity, shown: Shown[], values: BulkValues): Promise<Looked[]>;
  /**
   * Performs the action on one row.
   * @throws Problem with the reason if the row is skipped
   */
  act(work: Work, target: BulkTarget): Promise<void>;
  /**
   * Whether an earlier attempt of the same job has already changed the row. Missing if changing a
   * row twice does no harm.
   */
  isDone?(row: Row | undefined, state: RowState, order: Order): boolean;
};

export const bulkActions: BulkAction[] = [
  {
    name: 'value',
    ability: 'edit',
    icon: 'pencil',
    label: 'Set a value…',
    done: 'changed',
    asks: 'value',
    explanation:
      'One field gets the same value in each row. Rows that have it already are skipped.',
    look: ({ here }, entity, shown, values) => lookAtValue(here, entity, shown, fieldIn(values)),
    act: ({ writes, author, values }, target) => setValue(writes, author, target, fieldIn(values)),
  },
  {
    name: 'hold',
    ability: 'transfer',
    icon: 'hand',
    label: 'Mark Not for production…',
    done: 'marked Not for production',
    asks: 'reason',
    explanation:
      'They are left out of the pending counts, and are not sent until someone removes the mark.',
    look: byState((state) => ({
      skip: state?.held_at ? `already marked by ${personName(state.held_by ?? '')}` : null,
      seen: '',
    })),
    act: ({ writes, author, values }, { key }) =>
      hold(writes.here, author.email, key, values && 'reason' in values ? values.reason : null),
  },
  {
    name: 'hold-removal',
    ability: 'transfer',
    icon: 'circle-check',
    label: 'Unmark Not for production…',
    done: 'no longer marked Not for production',
    explanation: 'They count as pending again, and can be transferred.',
    look: ifMarked(({ held_at: at }) => at, 'not marked Not for production'),
    act: ({ writes, author }, { key, seen }) => removeHold(writes.here, author.email, key, seen),
  },
  {
    name: 'adoption',
    ability: 'transfer',
    icon: 'wrench',
    label: 'Adopt engineering changes…',
    done: 'adopted',
    explanation: 'What engineers changed in them can be transferred then.',
    look: ifMarked(({ engineering_at: at }) => at, 'not changed by engineering'),
    act: ({ writes, author }, { key, seen }) => adopt(writes.here, author.email, key, seen),
    isDone: (_row, { adopted_by: by, adopted_at: at }, order) => isBy(order, by, at),
  },
  {
    name: 'deletion',
    ability: 'edit',
    icon: 'trash-2',
    label: 'Delete…',
    done: 'deleted here',
    isDangerous: true,
    explanation:
      'They are deleted here with the rows that belong to them. Other environments keep them.',
    look: lookAtDeletions,
    act: async ({ writes, author }, { entity, key, seen }) => {
      if ((await remove(writes, author, entity, key.id, seen)) === 'changed since') {
        throw new Conflict('It has changed since. Review it again.');
      }
    },
    isDone: (row, { changed_by: by, deleted_at: at }, order) => !row && isBy(order, by, at),
  },
];

const isBy = ({ person, since }: Order, by: string | null, at: string | null): boolean =>
  by === person && at !== null && at >= since;

/**
 * Makes the function `look` of an action that needs only the recorded state (RowState) of each row.
 */
function byState(look: (state: RowState | undefined) => Looked): BulkAction['look'] {
  return async (_writes, _entity, shown) => shown.map(({ state }) => look(state));
}

/**
 * Makes the function `look` of an action on rows with a mark, such as a hold (Not for production). Rows without the
 * mark are skipped. `seen` is the time of the mark, so that a mark that was set again later is not changed.
 */
function ifMarked(markOf: (state: RowState) => string | null, why: string): BulkAction['look'] {
  return byState((state) => {
    const seen = state ? markOf(state) : null;
    return { skip: seen === null ? why : null, seen: seen ?? '' };
  });
}

async function lookAtDeletions({ here }: WriteContext, entity: Entity, shown: Shown[]) {
  const ids = shown.map(({ row }) => row.id);
  const found = await deletions(here, entity, ids);
  return ids.map((id): Looked => {
    const { usedBy, seen } = found.get(id) ?? { usedBy: [], seen: '' };
    const [first] = usedBy;
    if (!first) return { skip: null, seen };
    const others = usedBy.length > 1 ? ` and ${usedBy.length - 1} more` : '';
    return { skip: `still used by “${titleOf(first.entity, first.row)}”${others}`, seen };
  });
}

/**
 * Parses what the user entered for an action.
 * @throws Invalid if a value is missing or wrong
 */
export async function postedValues(
  here: Environment,
  { asks }: BulkAction,
  entity: Entity,
  form: Form,
): Promise<BulkValues> {
  if (asks === 'value') return postedValue(here, entity, form);
  return asks === 'reason' ? { reason: form.textUpTo(300, 'reason', 'Reason') || null } : null;
}

/** @throws Invalid if an action that sets a field has no field */
function fieldIn(values: BulkValues): FieldValue {
  if (!values || !('field' in values)) throw new Invalid({ field: 'Choose a field from the list' });
  return values;
}

/**
 * Returns the message after an action, such as `3 tasks deleted here.`, with the skipped rows and
 * their reasons.
 */
export function outcomeText(
  { done }: BulkAction,
  { label }: Entity,
  number: number,
  skipped: { title: string; why: string }[],
): string {
  const acted = `${plural(number, label)} ${done}.`;
  if (skipped.length === 0) return acted;
  const named = skipped.slice(0, NAMED).map(({ title, why }) => `“${title}”: ${why}`);
  const others = skipped.length > NAMED ? ` And ${skipped.length - NAMED} more.` : '';
  return `${acted} Skipped: ${named.join(' ')}${others}`;
}

const NAMED = 3;
