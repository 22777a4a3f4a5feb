// Notifies people of what a write into this environment did to rows that they had changed. The messages are written in
// the transaction of the write.
import type { PoolConnection } from 'mysql2/promise';
import { differingFields } from '../catalog/content.ts';
import { keyText, labelOf, type Row } from '../catalog/entity.ts';
import { rootOf } from '../catalog/family.ts';
import { entityNamed } from '../catalog/index.ts';
import { notifyOnce, type RowNews } from '../messages/notify-once.ts';
import { readDestinationHashes } from '../state/destination-state.ts';
import { lastWrites } from '../state/history.ts';
import { familiesOf, keyOfLine, type RowState } from '../state/row-state.ts';
import { OUTSIDE, REFRESH } from '../state/untouched.ts';
import { addTo, listed, rowsOf, type Affected, type AffectedByPerson } from './affected.ts';
import type * as journal from './journal.ts';
import type { Work } from './work.ts';

const pageOf = ([row]: Affected[]) => row && `/catalog/${row.key.entity}/${row.key.id}`;

/**
 * An e-mail about a refresh is sent only after this many seconds, so that one e-mail covers all transactions of the
 * refresh.
 */
const REFRESH_WAITS = 600;

/**
 * Notifies people about a write into this environment, before the new states of its rows are recorded: people whose
 * pending changes can no longer be transferred because of the write, and people whose last edit the write replaces.
 * `was`: the recorded states of the rows before the write.
 */
export async function notifyOfOwnWrite(
  on: PoolConnection,
  work: Work,
  was: Map<string, RowState>,
  isEngineering: boolean,
) {
  const lapsed: AffectedByPerson = isEngineering ? await lapsedBy(on, work, was) : new Map();
  for (const [to, rows] of listed(lapsed))
    await notifyOnce(on, work.here, lapsedNotice(work, to, rows));
  for (const [to, rows] of listed(await overtakenBy(on, work, was))) {
    if (!lapsed.has(to)) await notifyOnce(on, work.here, overtakenNotice(work, to, rows));
  }
}

/**
 * Returns the people whose pending changes can no longer be transferred because engineering saved the row or one of its
 * dependent rows: these rows are not transferred until a product manager adopts that save.
 */
async function lapsedBy(
  on: PoolConnection,
  { here, transfer, steps }: Work,
  was: Map<string, RowState>,
) {
  const found: AffectedByPerson = new Map();
  if (here.rules.next === null) return found;
  const roots = new Map(
    steps.flatMap(({ entity, before }) => {
      const root = before && rootOf(entityNamed(entity), before);
      return root && !was.get(keyText(root))?.engineering_by ? [[keyText(root), root]] : [];
    }),
  );
  const lines = await familiesOf(on, [...roots.values()]);
  const others = lines.filter((line) => peopleOf(line).some((one) => one !== transfer.person));
  if (others.length === 0) return found;
  const there = await readDestinationHashes(on, others.map(keyOfLine));
  const titles = new Map(lines.map((line) => [keyText(keyOfLine(line)), line.title]));
  for (const line of others) {
    const hash = line.deleted_at === null ? line.hash : null;
    if (hash === (there.get(keyText(keyOfLine(line)))?.observed_hash ?? null)) continue;
    const key = { entity: line.root_entity, id: line.root_id };
    const row = { key, title: titles.get(keyText(key)) ?? line.title };
    for (const person of peopleOf(line)) addTo(found, person, row);
  }
  return found;
}

const peopleOf = ({ changed_by: by, adopted_by: adopter }: RowState) =>
  [by, adopter].filter((one): one is string => one !== null && !programs.includes(one));

/** Who is recorded as the author of rows that no person wrote. */
const programs = [REFRESH, OUTSIDE];

const lapsedNotice = ({ transfer }: Work, to: string, rows: Affected[]): RowNews => ({
  event: 'adoption.lapsed',
  to,
  by: transfer.person,
  cause: transfer.id,
  rows: rowsOf(rows),
  text: (named) =>
    `${transfer.person} saved ${named} after you. Your pending changes there cannot be transferred until a product manager adopts the work of engineering.`,
  href: pageOf(rows) ?? null,
  subject: 'Your changes can no longer be transferred',
});

/**
 * Returns the people whose last edit of a row is replaced. A save replaces an edit only if both changed the same
 * fields. A refresh, a restore or a takeover replaces the whole row.
 */
async function overtakenBy(
  on: PoolConnection,
  { transfer, steps }: Work,
  was: Map<string, RowState>,
) {
  const found: AffectedByPerson = new Map();
  const nobody = [transfer.person, ...programs];
  const replaced = steps.filter((step) => {
    const by = was.get(keyText(step))?.changed_by;
    return step.before !== null && by !== undefined && !nobody.includes(by);
  });
  if (replaced.length === 0) return found;
  const last = transfer.kind === 'save' ? await lastWrites(on, replaced) : null;
  for (const step of replaced) {
    const fields = replacedFields(step, last?.get(keyText(step))?.before);
    const by = was.get(keyText(step))?.changed_by;
    if (by !== undefined && (fields.length > 0 || step.after === null)) {
      addTo(found, by, { key: { entity: step.entity, id: step.id }, title: step.title, fields });
    }
  }
  return found;
}

/**
 * Returns the labels of the fields that a step changes and that the previous write to the row changed, too. `was`: the
 * row before that previous write.
 */
function replacedFields(
  { entity: name, before, after }: journal.Step,
  was: Row | null | undefined,
) {
  const entity = entityNamed(name);
  const mine = was ? differingFields(entity, was, before ?? {}) : null;
  const changed = differingFields(entity, before ?? {}, after ?? {});
  return changed
    .filter((field) => mine?.includes(field) ?? true)
    .map((field) => labelOf(entity, field));
}

const changedVerbs: Partial<Record<journal.TransferKind, string>> = {
  restore: 'restored',
  takeover: 'took over',
};

function overtakenNotice({ transfer, steps }: Work, to: string, rows: Affected[]): RowNews {
  const isRefresh = transfer.kind === 'refresh';
  const isDeleted = steps.every(({ after }) => after === null);
  return {
    event: 'edit.overtaken',
    to,
    by: transfer.person,
    cause: isRefresh ? `refresh ${new Date().toISOString().slice(0, 10)}` : transfer.id,
    rows: rowsOf(rows),
    text: (named, { count }) => {
      const fields = count === 1 ? fieldsText(rows) : '';
      if (isRefresh)
        return `A refresh replaced ${named} by what production has${fields}. You had changed it last.`;
      if (isDeleted) return `${transfer.person} deleted ${named}, which you had changed last.`;
      const how = changedVerbs[transfer.kind] ?? 'changed';
      return `${transfer.person} ${how} ${named}, and replaced what you had saved last${fields}.`;
    },
    href: isDeleted ? null : (pageOf(rows) ?? null),
    subject: 'Your edit was overwritten',
    emailWaits: isRefresh ? REFRESH_WAITS : 0,
  };
}

const fieldsText = ([row]: Affected[]) =>
  row?.fields && row.fields.length > 0 ? ` (${row.fields.slice(0, 6).join(', ')})` : '';
