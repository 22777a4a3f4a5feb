// Builds the marks above the fields of a row’s page, such as *Not for production*. Each kind of mark has a partial
// with its name in views/catalog-pages/marks.
import type { Misfit } from '../catalog/misfits.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import type { Entity } from '../catalog/entity.ts';
import type { App } from '../environments/app.ts';
import { fieldsIn } from '../sheet/problems/review.ts';
import type { ChangedThere } from '../state/changed-there.ts';
import type { RowState } from '../state/row-state.ts';
import type { Status } from '../state/status.ts';
import type { Claim } from '../writing/claimed-rows.ts';
import { destinationChange } from './destination-change.ts';
import type { DestinationStatuses } from './destination-statuses.ts';

export type Mark =
  | { kind: 'misfits'; misfits: readonly Misfit[] }
  /** `isCompared`: whether this mark shows what differs at the destination, because no mark `differs` does. */
  | { kind: 'engineering'; by: string; at: string; fields: string; isCompared: boolean }
  | { kind: 'adopted'; by: string; at: string }
  | { kind: 'held'; by: string; at: string; reason: string | null }
  | { kind: 'differs'; status: Status; text: string; changed: ChangedThere | null }
  | { kind: 'being-written'; number: number; from: string; by: string; at: string }
  | { kind: 'not-compared'; why: string; at: string | null }
  | { kind: 'undone'; by: string; at: string; reason: string | null };

export const marksOf = ({
  here,
  entity,
  status,
  state,
  misfits,
  ahead,
  pair,
  claims,
  changedThere,
}: {
  here: App;
  entity: Entity;
  status: Status | null;
  state: RowState | undefined;
  misfits: readonly Misfit[];
  ahead: DestinationStatuses | null;
  pair: RowPair | undefined;
  claims: Claim[];
  changedThere: ChangedThere | null;
}): Mark[] => {
  const differs = differsMark(here, entity, status, changedThere);
  return [
    ...(misfits.length > 0 ? [{ kind: 'misfits' as const, misfits }] : []),
    ...reviewMarks(state, { isCompared: differs.length === 0 }),
    ...differs,
    ...claims.map(({ number, origin, person: by, since: at }) => {
      const from = origin === here.name ? 'here' : origin;
      return { kind: 'being-written' as const, number, from, by, at };
    }),
    ...(ahead?.trouble
      ? [{ kind: 'not-compared' as const, why: ahead.trouble, at: ahead.lastSeen }]
      : []),
    ...undoneMark(pair),
  ];
};

/**
 * Returns the marks that say which engineer changed the row, who adopted the change, and why the row is on hold (Not
 * for production).
 */
function reviewMarks(state: RowState | undefined, { isCompared }: { isCompared: boolean }): Mark[] {
  if (!state) return [];
  const { engineering_by: engineer, engineering_at: changedAt } = state;
  const { adopted_by: adopter, adopted_at: adoptedAt } = state;
  const { held_by: holder, held_at: heldAt, held_reason: reason } = state;
  const marks: Mark[] = [];
  if (engineer) {
    const fields = fieldsIn(state);
    marks.push({ kind: 'engineering', by: engineer, at: changedAt ?? '', fields, isCompared });
  } else if (adopter) {
    marks.push({ kind: 'adopted', by: adopter, at: adoptedAt ?? '' });
  }
  if (heldAt) marks.push({ kind: 'held', by: holder ?? '', at: heldAt, reason });
  return marks;
}

function differsMark(
  { destination }: App,
  entity: Entity,
  status: Status | null,
  changed: ChangedThere | null,
): Mark[] {
  const text = destinationChange(entity, status, destination?.rules);
  return status && text ? [{ kind: 'differs', status, text, changed }] : [];
}

/**
 * Returns the mark that says that the present content was transferred to the destination and undone
 * there.
 */
function undoneMark(pair: RowPair | undefined): Mark[] {
  const found = pair?.destinationState;
  if (!found?.undone_hash || found.undone_hash !== pair?.hereHash) return [];
  const { undone_by: by, undone_at: at, undone_reason: reason } = found;
  return [{ kind: 'undone', by: by ?? '', at: at ?? '', reason }];
}
