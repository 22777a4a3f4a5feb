// Selections: the rows and choices of a transfer that has not been sent.
import { v7 as uuid } from 'uuid';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { first, run, sql, type Queryable } from '../database/sql.ts';
import * as journal from '../writing/journal.ts';
import { Invalid, NotFound } from '../problems.ts';
import { nameOfRows } from '../web/format.ts';
import { noChoices, type Choices } from './choices.ts';
import { mendedChoices, mendedKeys, mendedTexts } from './choices-schema.ts';

/**
 * What the sheet of a selection does. `transfer` sends rows to the destination, and `undo` undoes such a transfer.
 * `restore` fetches rows from production, `takeover` fetches rows from the destination, and `undo-here` undoes one of
 * these two.
 */
export type SelectionKind = 'transfer' | 'undo' | 'restore' | 'takeover' | 'undo-here';

export type Selection = {
  id: string;
  name: string;
  reason: string | null;
  person: string;
  kind: SelectionKind;
  /** The transfer that this selection undoes; null for other selections. */
  undoes: string | null;
  keys: RowKey[];
  choices: Choices;
  /**
   * The ids of the earlier transfers that wrote these rows into this environment. The transfer of this selection stores
   * them, so that the page *Arrived* shows which rows were sent on.
   */
  chain: string[];
  /** When a person began or named the selection; null for the draft of an open sheet. */
  kept_at: string | null;
};

/**
 * Returns the steps to undo: those of the picked rows of the transfer, or all if no row is picked.
 * @throws Invalid when the transfer has not arrived at its destination, or contains none of the picked rows
 */
export async function stepsToUndo(
  on: Queryable,
  transfer: journal.Transfer,
  picked: string[],
): Promise<{ steps: journal.Step[]; isAll: boolean }> {
  if (transfer.state !== 'verified' || !journal.isSent(transfer)) {
    throw new Invalid({ rows: 'Only a transfer that has arrived can be undone.' });
  }
  const all = await journal.stepsOf(on, transfer.id);
  const ticked = new Set(picked);
  const steps = ticked.size > 0 ? all.filter((step) => ticked.has(keyText(step))) : all;
  if (steps.length === 0) throw new Invalid({ rows: 'Choose rows of this transfer.' });
  return { steps, isAll: steps.length === all.length };
}

export const undoOf = (
  { id, name, origin, destination }: journal.Transfer,
  { steps, isAll }: { steps: journal.Step[]; isAll: boolean },
): NewSelection & { kind: SelectionKind } => ({
  keys: steps.map(({ entity, id: row }) => ({ entity, id: row })),
  kind: origin === destination ? 'undo-here' : 'undo',
  undoes: id,
  name: `Undo of ${isAll ? name.replace(/^Undo of /, 'undo of ') : nameOfRows(steps)}`,
});

export type NewSelection = {
  keys: RowKey[];
  name?: string;
  chain?: string[];
  kind?: SelectionKind;
  undoes?: string;
  choices?: Choices;
};

/** Makes a selection without storing it. */
export const draft = (person: string, from: NewSelection): Selection => ({
  id: '',
  name: (from.name ?? '').slice(0, 120),
  reason: null,
  person,
  kind: from.kind ?? 'transfer',
  undoes: from.undoes ?? null,
  keys: from.keys,
  choices: from.choices ?? noChoices,
  chain: from.chain ?? [],
  kept_at: null,
});

export async function create(on: Queryable, person: string, from: NewSelection): Promise<string> {
  const id = uuid();
  await run(
    on,
    sql`insert into selection (id, kind, undoes, name, person, row_keys, choices, chain)
        values (${id}, ${from.kind ?? 'transfer'}, ${from.undoes ?? null},
          ${(from.name ?? '').slice(0, 120)}, ${person}, ${JSON.stringify(from.keys.map(keyText))},
          ${JSON.stringify(from.choices ?? noChoices)}, ${JSON.stringify(from.chain ?? [])})`,
  );
  return id;
}

/** An SQL condition: no transfer has been sent from this selection. */
export const isUnsent = sql`not exists (select 1 from transfer where transfer.selection = selection.id)`;

export type StoredSelection = Pick<
  Selection,
  'id' | 'kind' | 'undoes' | 'name' | 'reason' | 'person' | 'kept_at'
> & {
  row_keys: string;
  choices: string;
  chain: string;
  created_at: string;
};

/**
 * Reads a selection.
 * @throws NotFound when no selection has this id and this kind
 */
export async function find(
  on: Queryable,
  id: string,
  kind: SelectionKind = 'transfer',
  { lock = false } = {},
): Promise<Selection> {
  const line = await first<StoredSelection>(
    on,
    lock
      ? sql`select * from selection where id = ${id} and kind = ${kind} for update`
      : sql`select * from selection where id = ${id} and kind = ${kind}`,
  );
  if (!line) throw new NotFound('There is no such selection. Choose the rows again on their list.');
  return selectionFrom(line);
}

export const selectionFrom = ({
  row_keys,
  choices,
  chain,
  ...line
}: StoredSelection): Selection => ({
  ...line,
  keys: mendedKeys(row_keys),
  choices: mendedChoices(choices),
  chain: mendedTexts(chain),
});

/**
 * Returns one text of everything that decides which rows are sent, and how. If the text is equal before and after a
 * post, the post did not change the plan.
 */
export const fingerprint = ({
  kind,
  undoes,
  keys,
  choices,
}: Omit<SavedChoices & Selection, 'id' | 'person'>) => {
  const { include, create, resend, excludedFields, locals, again } = choices;
  // The entries are sorted by row, because it does not matter in which order the user changed the rows.
  const [left, typed] = [excludedFields, locals].map((by) => Object.entries(by).toSorted(byName));
  return JSON.stringify([kind, undoes, keys, include, create, resend, left, typed, again]);
};

const byName = ([one]: [string, unknown], [other]: [string, unknown]) => (one < other ? -1 : 1);

export type SavedChoices = {
  choices: Choices;
  keys: RowKey[];
  name: string;
  reason: string | null;
};

export const saveChoices = (
  on: Queryable,
  id: string,
  { choices, keys, name, reason }: SavedChoices,
) =>
  run(
    on,
    sql`update selection
           set choices = ${JSON.stringify(choices)}, row_keys = ${JSON.stringify(keys.map(keyText))},
               name = ${name.slice(0, 120)}, reason = ${reason}
         where id = ${id}`,
  );
