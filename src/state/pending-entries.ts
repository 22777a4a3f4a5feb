// Lists rows with pending changes, that is, changes that the destination did not have when last observed, with their
// status, age, authors, and what prevents sending them.
import { entityNamed } from '../catalog/index.ts';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { select, sql, type Queryable, type Statement } from '../database/sql.ts';
import { DELETED } from './undone-contents.ts';
import { keyOfLine } from './row-state.ts';
import { isReady, overwrites, withDependents, type Status } from './status.ts';
import { differingWithBases, lastKnownStatus } from './pending.ts';

export type PendingEntry = {
  key: RowKey;
  title: string;
  status: Status;
  /** The time of the oldest change that has not been sent. */
  since: string;
  /** The time of the newest change that has not been sent. */
  changedAt: string;
  people: string[];
  /** The rows of the entry that the destination changed: the hash last observed there, by key text. */
  changedThere: Map<string, string | null>;
  group: Group;
  why: string | null;
};

/** The groups of rows with pending changes: ready to send, to review, changed by engineering, not for production. */
export const groups = ['ready', 'look', 'engineering', 'held'] as const;
export type Group = (typeof groups)[number];

type Line = {
  entity: string;
  row_id: number;
  root_entity: string;
  root_id: number;
  root_title: string;
  hash: string;
  deleted_at: string | null;
  changed_at: string;
  changed_by: string;
  engineering_by: string | null;
  held_by: string | null;
  held_reason: string | null;
  base_hash: string | null;
  observed_hash: string | null;
  observed_at: string | null;
  undone_hash: string | null;
  undone_by: string | null;
  undone_reason: string | null;
};

/** Lists rows with pending changes, oldest first. A row and its dependent rows are one entry. */
export const allPending = (on: Queryable): Promise<PendingEntry[]> => pendingWhere(on, sql`true`);

/** Finds the entries of these topmost parent rows that have pending changes, by key text (`task:12`). */
export async function pendingOf(
  on: Queryable,
  roots: RowKey[],
): Promise<Map<string, PendingEntry>> {
  if (roots.length === 0) return new Map();
  const keys = roots.map(({ entity, id }) => [entity, id]);
  const entries = await pendingWhere(on, sql`(s.root_entity, s.root_id) in (${keys})`);
  return new Map(entries.map((entry) => [keyText(entry.key), entry]));
}

async function pendingWhere(on: Queryable, isWanted: Statement): Promise<PendingEntry[]> {
  const found = await select<Line>(
    on,
    sql`select s.entity, s.row_id, s.root_entity, s.root_id, coalesce(r.title, s.title) as root_title,
               s.hash, s.deleted_at, s.changed_at, s.changed_by,
               coalesce(s.engineering_by, r.engineering_by) as engineering_by,
               coalesce(s.held_by, r.held_by) as held_by,
               coalesce(s.held_reason, r.held_reason) as held_reason,
               t.base_hash, t.observed_hash, t.observed_at,
               t.undone_hash, t.undone_by, t.undone_reason
          from row_state s
          left join row_state r on r.entity = s.root_entity and r.row_id = s.root_id
          left join destination_state t on t.entity = s.entity and t.row_id = s.row_id
         where ${isWanted}
           and (t.entity is null
                or not (if(s.deleted_at is null, s.hash, null) <=> t.observed_hash))
         order by s.changed_at`,
  );
  const lines = await differingWithBases(on, found);
  const entries = new Map<string, PendingEntry & { own: Status | null; dependents: Status[] }>();
  for (const line of lines) {
    const status = lastKnownStatus(line);
    if (status && status !== 'Only there' && !entityNamed(line.entity).isMatchedByName) {
      const text = `${line.root_entity}:${line.root_id}`;
      const known = entries.get(text) ?? fresh(line, status);
      entries.set(text, known);
      known.changedAt = line.changed_at;
      if (line.entity === line.root_entity) known.own = status;
      else known.dependents.push(status);
      if (overwrites(status)) known.changedThere.set(keyText(keyOfLine(line)), line.observed_hash);
      if (!known.people.includes(line.changed_by)) known.people.push(line.changed_by);
      Object.assign(known, worse(known, line));
    }
  }
  return [...entries.values()].map(({ own, dependents, ...row }) => {
    const status = withDependents(own ?? 'In sync', dependents);
    const group = row.group === 'ready' && !isReady(status) ? 'look' : row.group;
    return { ...row, status, group };
  });
}

const fresh = (line: Line, status: Status) => ({
  key: { entity: line.root_entity, id: line.root_id },
  title: line.root_title,
  status,
  since: line.changed_at,
  changedAt: line.changed_at,
  people: [] as string[],
  changedThere: new Map<string, string | null>(),
  group: 'ready' as Group,
  why: null as string | null,
  own: null as Status | null,
  dependents: [] as Status[],
});

/**
 * Picks the group of an entry that has several changed rows, and the reason why it is not ready to send. A hold (*Not
 * for production*) comes first, then a change by engineering, then undone content.
 */
function worse(known: { group: Group; why: string | null }, line: Line) {
  if (line.held_by) return { group: 'held' as const, why: said(line.held_by, line.held_reason) };
  if (known.group === 'held') return known;
  if (line.engineering_by) return { group: 'engineering' as const, why: line.engineering_by };
  const isUndone = line.undone_hash === (line.deleted_at ? DELETED : line.hash);
  if (isUndone && known.group === 'ready') {
    const by = said(line.undone_by ?? '', line.undone_reason);
    return { group: 'look' as const, why: `undone by ${by}` };
  }
  return known;
}

const said = (person: string, reason: string | null) => (reason ? `${person}: ${reason}` : person);

/** The age groups into which pending changes are counted. */
export const ages = ['today', 'this week', 'longer'] as const;
export type Age = (typeof ages)[number];

export function ageOf(since: string, now = Date.now()): Age {
  const days = (now - Date.parse(`${since.replace(' ', 'T')}Z`)) / 86_400_000;
  if (days < 1) return 'today';
  return days < 7 ? 'this week' : 'longer';
}

/** Which pending rows a page lists; empty texts match all. */
export type PendingFilter = { entity: string; person: string };

export const matching = (entries: PendingEntry[], { entity, person }: PendingFilter) =>
  entries.filter(
    ({ key, people }) =>
      (entity === '' || key.entity === entity) && (person === '' || people.includes(person)),
  );
