// Selections: the rows and choices of a transfer that has not been sent.
import { v7 as uuid } from 'uuid';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { first, run, select, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import * as journal from '../writing/journal.ts';
import { Invalid, NotFound } from '../problems.ts';
import { noChoices, type Choices } from './choices.ts';
import { mendedChoices, mendedKeys, mendedTexts } from './choices-schema.ts';

/** What the sheet of a selection does: transfer rows, undo a transfer, or restore rows from production. */
export type SelectionKind = 'transfer' | 'undo' | 'restore';

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
  /** The earlier transfers that wrote these rows into this environment. */
  chain: string[];
};

/**
 * Returns the keys of the rows to undo: the picked rows of the transfer, or all its rows if no row is picked.
 * @throws Invalid when the transfer has not arrived at its destination, or contains none of the picked rows
 */
export async function keysToUndo(
  on: Queryable,
  transfer: journal.Transfer,
  picked: string[],
): Promise<RowKey[]> {
  if (transfer.state !== 'verified' || transfer.origin === transfer.destination) {
    throw new Invalid({ rows: 'Only a transfer that has arrived can be undone.' });
  }
  const all = (await journal.stepsOf(on, transfer.id)).map(({ entity, id }) => ({ entity, id }));
  const ticked = new Set(picked);
  const keys = ticked.size > 0 ? all.filter((key) => ticked.has(keyText(key))) : all;
  if (keys.length === 0) throw new Invalid({ rows: 'Choose rows of this transfer.' });
  return keys;
}

export const undoOf = ({ id, name }: journal.Transfer, keys: RowKey[]): NewSelection => ({
  keys,
  kind: 'undo',
  undoes: id,
  name: `Undo of ${name.replace(/^Undo of /, 'undo of ')}`,
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

type Stored = Pick<Selection, 'id' | 'kind' | 'undoes' | 'name' | 'reason' | 'person'> & {
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
  const line = await first<Stored>(
    on,
    lock
      ? sql`select * from selection where id = ${id} and kind = ${kind} for update`
      : sql`select * from selection where id = ${id} and kind = ${kind}`,
  );
  if (!line) throw new NotFound('There is no such selection. Choose the rows again on their list.');
  return selectionFrom(line);
}

const selectionFrom = ({ row_keys, choices, chain, ...line }: Stored): Selection => ({
  ...line,
  keys: mendedKeys(row_keys),
  choices: mendedChoices(choices),
  chain: mendedTexts(chain),
});

/** Reads the newest selections: named ones of all people, and unsent ones that this person made in the last week. */
export async function list(on: Queryable, person: string): Promise<(Selection & { at: string })[]> {
  const lines = await select<Stored>(
    on,
    sql`select * from selection
         where kind = 'transfer'
           and (name <> '' or (person = ${person} and created_at > utc_timestamp() - interval 7 day
                               and ${isUnsent}))
         order by created_at desc
         limit 100`,
  );
  return lines.map((line) => ({ ...selectionFrom(line), at: line.created_at }));
}

/** Counts the unsent selections that list() returns. */
export async function countUnsent(on: Queryable, person: string): Promise<number> {
  const counted = await first<{ number: number }>(
    on,
    sql`select count(*) as number from selection
         where kind = 'transfer'
           and (name <> '' or (person = ${person} and created_at > utc_timestamp() - interval 7 day))
           and ${isUnsent}`,
  );
  return counted?.number ?? 0;
}

/** Deletes old selections that have no name and were never sent. */
export const purgeExpired = ({ sql: on }: Environment) =>
  run(
    on,
    sql`delete from selection
         where name = '' and created_at < utc_timestamp() - interval 31 day
           and ${isUnsent}`,
  );

/** Reads the unsent named selections of the last month, to which the button *Add to* of a list adds rows. */
export const namedSelections = (on: Queryable) =>
  select<{ id: string; name: string }>(
    on,
    sql`select id, name from selection
         where kind = 'transfer' and name <> '' and created_at > utc_timestamp() - interval 31 day
           and ${isUnsent}
         order by created_at desc
         limit 20`,
  );

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
  // Sorted by row, because the order in which a person visited the pages does not matter.
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

/** Finds the numbers of the completed transfers that were sent from each of these selections. */
export async function sentFrom(on: Queryable, ids: string[]): Promise<Map<string, number[]>> {
  const lines = await select<{ selection: string; number: number }>(
    on,
    sql`select selection, number from transfer
         where selection in (${ids}) and state = 'verified' order by number`,
  );
  const sent = new Map<string, number[]>();
  for (const { selection, number } of lines) {
    sent.set(selection, [...(sent.get(selection) ?? []), number]);
  }
  return sent;
}
