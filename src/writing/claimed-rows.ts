// Lines of the table `claim`: each claims the rows of one entity whose ids are in a range. These functions find which
// rows the lines claim, and which lines claim given rows.
import { keyText, type RowKey } from '../catalog/entity.ts';
import { indexFrom, rangesOf } from '../database/ranges.ts';
import { byEntity } from '../rows/store.ts';
import { keyOfLine } from '../state/row-state.ts';

export type Claim = {
  entity: string;
  row_id: number;
  transfer: string;
  mode: 'write' | 'shared';
  number: number;
  origin: string;
  fence: number;
  connection: number;
  person: string;
  since: string;
};

/**
 * A line claims the rows from `row_id` to `last_id`. A line of a version before 1.18.0 has no `last_id` and claims only
 * `row_id`.
 */
export type ClaimLine = Claim & { last_id?: number | null };

export type WantedRows = { write: RowKey[]; shared: RowKey[] };

const lastOf = ({ row_id: first, last_id: last }: ClaimLine) => last ?? first;

/** Returns how many rows these lines claim. */
export const rowCountOf = (lines: ClaimLine[]): number =>
  lines.reduce((count, line) => count + lastOf(line) - line.row_id + 1, 0);

/** Returns those of the rows `keys` that the lines claim, one claim for each line and row. */
export function claimedAmong(lines: ClaimLine[], keys: RowKey[]): Claim[] {
  if (lines.length === 0) return [];
  const sorted = new Map([...byEntity(keys)].map(([{ name }, ids]) => [name, ids]));
  return lines.flatMap((line) => {
    const { last_id: _last, ...claim } = line;
    const ids = sorted.get(line.entity) ?? [];
    const from = (least: number) => indexFrom(ids.length, (index) => ids[index] ?? 0, least);
    const own = ids.slice(from(line.row_id), from(lastOf(line) + 1));
    return own.map((id) => ({ ...claim, row_id: id }));
  });
}

/**
 * Returns the claim of another transfer that keeps a transfer from claiming its rows; undefined if there is none. Of
 * several, it is that of the first entity by name, and of the lowest id.
 */
export function firstConflict(others: ClaimLine[], { write, shared }: WantedRows) {
  const writing = others.filter(({ mode }) => mode === 'write');
  const sharing = others.filter(({ mode }) => mode !== 'write');
  return [
    ...claimedAmong(writing, [...write, ...shared]),
    ...claimedAmong(sharing, write),
  ].toSorted((one, other) =>
    one.entity === other.entity ? one.row_id - other.row_id : one.entity < other.entity ? -1 : 1,
  )[0];
}

/**
 * Returns the lines that claim the wanted rows that the lines `held` do not claim. A row that is written and needed
 * unchanged is claimed once, as written. `hasLinePerRow`: each row gets a line of its own.
 */
export function linesToClaim(
  { write, shared }: WantedRows,
  held: ClaimLine[],
  { hasLinePerRow }: { hasLinePerRow: boolean },
) {
  const done = new Set(
    claimedAmong(held, [...write, ...shared]).map((claim) => keyText(keyOfLine(claim))),
  );
  const claim = (keys: RowKey[], mode: Claim['mode']) =>
    [...byEntity(keys.filter((key) => !done.has(keyText(key))))].flatMap(([entity, ids]) => {
      const ranges = hasLinePerRow ? ids.map((id) => [id, id] as const) : rangesOf(ids);
      return ranges.map(([row_id, last_id]) => ({ entity: entity.name, row_id, last_id, mode }));
    });
  const written = claim(write, 'write');
  for (const key of write) done.add(keyText(key));
  return [...written, ...claim(shared, 'shared')];
}
