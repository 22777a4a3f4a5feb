// Production's rows copied down into this environment, in parts. Rows with work of their own are left alone
// and listed. It can be stopped and run again at any point: what is equal already is passed over. To look first
// is the same walk without a write.
import { canonical, contentOf, differingFields, hashOf } from '../catalog/content.ts';
import {
  fieldEntries,
  keyText,
  labelOf,
  titleOf,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { matchedByName, travelling } from '../catalog/index.ts';
import { contentsEverOf, lastOf } from '../journal/history.ts';
import { drawIds, raiseIds } from '../environments/ids.ts';
import { idsByName } from '../environments/names.ts';
import type { Place, Stop } from '../environments/place.ts';
import { countRows, read, readAfter } from '../environments/row-store.ts';
import { refuseWhileUpdating } from '../environments/open.ts';
import { Conflict } from '../problems.ts';
import { onRows } from '../journal/claims.ts';
import { write, type Change } from '../journal/own-write.ts';
import { hasVerySameFields } from './compare.ts';
import { inTheirWords, readMappings, type Mappings } from '../journal/mappings.ts';
import { promotionOrder } from '../journal/order.ts';
import {
  readStates,
  readStops,
  writeSeen,
  type RowState,
  type Seen,
  type StopState,
} from '../journal/row-states.ts';

/** Whose rows they are is production's matter: whoever asked for the job stands with the job. */
const author = { email: 'copy-down', isProductManager: true };
const PART = 1000;

export type CopyDown = {
  here: Stop;
  /** Where rows go from here; a base is written where its row is equal. Null when there is none. */
  there: Place | null;
  source: Stop;
  lease: number;
  /** Only tells what it would do. */
  isLook?: boolean;
  /** Said after each part, with what came of it so far: from there it goes on, when it was stopped. */
  progress?: (done: { entity: Entity; report: Report }) => void | Promise<void>;
  /** What an earlier attempt came to. */
  former?: Report | null;
};

export type LeftAlone = { key: RowKey; title: string; why: string };
export type Overwritten = { key: RowKey; title: string; fields: string[] };
export type Report = {
  created: number;
  updated: number;
  same: number;
  /** How many have work of their own here, and the first of them. */
  left: number;
  leftAlone: LeftAlone[];
  /** The first rows that got (or would get) production's content instead of their own, with the fields. */
  overwritten: Overwritten[];
  /** Icons and images that production's store does not have. */
  missingImages: string[];
  /** Up to where it has come: the type, its last id, and rows of all types. */
  at: { entity: string; after: number; all: number };
};

const LISTED = 500;

/** How many rows there are to walk through. */
export async function rowsToCopy(source: Place): Promise<number> {
  let all = 0;
  for (const entity of [...matchedByName, ...travelling]) all += await countRows(source, entity);
  return all;
}

export async function copyDown(from: CopyDown): Promise<Report> {
  const report = from.former ?? emptyReport();
  const entities = [...matchedByName, ...promotionOrder(travelling)];
  const begun = entities.findIndex(({ name }) => name === report.at.entity);
  for (const entity of entities.slice(Math.max(begun, 0))) {
    if (entity.name !== report.at.entity)
      report.at = { ...report.at, entity: entity.name, after: 0 };
    const copy = entity.isMatchedByName ? copyNames : copyRows;
    await inParts(from, entity, report, (rows) => copy(from, entity, rows, report));
  }
  return report;
}

const emptyReport = (): Report => ({
  created: 0,
  updated: 0,
  same: 0,
  left: 0,
  leftAlone: [],
  overwritten: [],
  missingImages: [],
  at: { entity: '', after: 0, all: 0 },
});

function leaveAlone(report: Report, line: LeftAlone) {
  report.left += 1;
  if (report.leftAlone.length < LISTED) report.leftAlone.push(line);
}

async function inParts(
  { source, here, isLook, progress }: CopyDown,
  entity: Entity,
  report: Report,
  copy: (rows: Row[]) => Promise<void>,
) {
  for (;;) {
    await refuseWhileUpdating(here, source);
    const rows = await readAfter(source, entity, report.at.after, PART);
    const last = rows.at(-1);
    if (!last) break;
    await copy(rows);
    const ids = rows.map((row) => row.id);
    if (!isLook) await raiseIds(here, entity.name, ids);
    report.at = { ...report.at, after: last.id, all: report.at.all + rows.length };
    await progress?.({ entity, report });
  }
}

/** Cities and partners are found by name; a new one keeps its id where that is free. */
async function copyNames(from: CopyDown, entity: Entity, rows: Row[], report: Report) {
  const { here } = from;
  const known = await idsByName(
    here.sql,
    entity.name,
    rows.map((row) => textOf(row['name'])),
  );
  const fresh = rows.filter((row) => !known.has(textOf(row['name']).normalize('NFC')));
  const taken = await read(
    here,
    fresh.map(({ id }) => ({ entity: entity.name, id })),
  );
  const changes: Change[] = [];
  for (const row of fresh) {
    const isTaken = taken.has(keyText({ entity: entity.name, id: row.id }));
    const id = isTaken && !from.isLook ? await drawIds(here, entity.name) : row.id;
    changes.push({ entity, before: null, after: { ...row, id } });
  }
  report.same += rows.length - fresh.length;
  await writePart(from, entity, changes, report);
}

async function copyRows(from: CopyDown, entity: Entity, rows: Row[], report: Report) {
  const { here, source } = from;
  const keys = rows.map(({ id }) => ({ entity: entity.name, id }));
  const mine = await read(here, keys);
  const states = await readStates(here.sql, keys);
  const stops = await readStops(here.sql, keys);
  const mappings = await readMappings(here.sql);
  const busy = new Set(
    (await onRows(source.sql, keys)).map((claim) =>
      keyText({ entity: claim.entity, id: claim.row_id }),
    ),
  );
  const changes: Change[] = [];
  for (const row of rows) {
    const key = keyOf(entity, row);
    const text = keyText(key);
    const before = mine.get(text) ?? null;
    const isSame =
      before !== null &&
      (hasVerySameFields(entity, before, row) || hashOf(entity, before) === hashOf(entity, row));
    const why = isSame
      ? null
      : busy.has(text)
        ? 'being written in production right now'
        : ownWork(
            entity,
            before && inTheirWords(entity, before, mappings),
            states.get(text),
            stops.get(text),
          );
    if (isSame) report.same += 1;
    else if (why) leaveAlone(report, { key, title: titleOf(entity, before ?? row), why });
    else {
      changes.push({ entity, before, after: withOwnLocals(entity, row, before) });
    }
  }
  const underWay = await onItsWay(from, entity, changes);
  for (const { before } of changes) {
    const why = before && underWay.get(before.id);
    if (why)
      leaveAlone(report, { key: keyOf(entity, before), title: titleOf(entity, before), why });
  }
  const free = changes.filter(({ before }) => !before || !underWay.has(before.id));
  list(report, free);
  await writePart(from, entity, free, report);
  if (from.isLook) return;
  const written = free.map(({ after }) => keyOf(entity, after as Row));
  for (const [text, row] of await read(here, written)) mine.set(text, row);
  await writeBases(from, entity, rows, { mine, stops, mappings });
}

function list({ overwritten }: Report, changes: Change[]) {
  for (const { entity, before, after } of changes) {
    if (before && after && overwritten.length < LISTED) {
      const key = keyOf(entity, before);
      const fields = differingFields(entity, before, after).map((name) => labelOf(entity, name));
      overwritten.push({ key, title: titleOf(entity, before), fields });
    }
  }
}

/** Icons and images first: they are named by their content, so putting them early harms nobody. */
async function bringImages({ here, source }: CopyDown, changes: Change[], report: Report) {
  for (const { entity, after } of changes) {
    for (const [field, { kind }] of fieldEntries(entity)) {
      const name = kind === 'image' && after ? textOf(after[field]) : '';
      if (name === '' || (await here.storage.has(name))) continue;
      if (await source.storage.has(name)) {
        await here.storage.write(name, await source.storage.read(name));
      } else if (report.missingImages.length < LISTED) {
        report.missingImages.push(`${entity.label.one} ${after?.id}: ${name}`);
      }
    }
  }
}

/** Why a row here is not overwritten; null when it holds nothing of its own. */
function ownWork(
  entity: Entity,
  before: Row | null,
  state: RowState | undefined,
  stop: StopState | undefined,
): string | null {
  if (state?.deleted_at) return 'deleted here';
  if (before === null) return null;
  if (state?.engineering_by) return `work by ${state.engineering_by}`;
  if (!stop?.base_hash) return 'not known to be the same row';
  return hashOf(entity, before) === stop.base_hash ? null : `changed here by ${state?.changed_by}`;
}

const keyOf = (entity: Entity, { id }: Row): RowKey => ({ entity: entity.name, id });

/**
 * Rows that were sent on from here and are not what production has: they are equal at the next stop, so its books call
 * them nobody's work. Only an edit that was made in production since, on top of them, replaces them. By id, with the
 * reason.
 */
async function onItsWay({ here, there, source }: CopyDown, entity: Entity, changes: Change[]) {
  const found = new Map<number, string>();
  const standing = changes.filter(({ before }) => before !== null);
  if (there === source || standing.length === 0) return found;
  const ids = standing.map(({ before }) => (before as Row).id);
  const last = await lastOf(here.sql, entity.name, ids);
  const above = await lastOf(source.sql, entity.name, ids);
  const ever = await contentsEverOf(source.sql, entity, ids);
  for (const { before } of standing) {
    const own = before as Row;
    const [line, theirs] = [last.get(own.id), above.get(own.id)];
    const wasAbove = ever.get(own.id)?.has(hashOf(entity, own)) === true;
    const isEditedSince = line && theirs?.kind === 'save' && line.at < theirs.at;
    if (line && line.kind !== 'copy-down' && !(wasAbove && isEditedSince)) {
      const end = wasAbove ? 'taken back from production' : 'not in production yet';
      found.set(own.id, `sent on from here by ${line.person}, and ${end}`);
    }
  }
  return found;
}

function withOwnLocals(entity: Entity, row: Row, before: Row | null): Row {
  const after = { ...row };
  for (const [name, field] of fieldEntries(entity)) {
    if (field.local) after[name] = before ? (before[name] ?? null) : field.initial;
  }
  return after;
}

/** A part that is refused is halved until the row that does not fit stands alone, and is left alone. */
async function writePart(from: CopyDown, entity: Entity, changes: Change[], report: Report) {
  if (changes.length === 0) return;
  const name = `Copy-down: ${entity.label.many.toLowerCase()}`;
  try {
    if (!from.isLook) {
      await bringImages(from, changes, report);
      await write(from, author, changes, { kind: 'copy-down', name });
    }
    for (const { before } of changes) report[before ? 'updated' : 'created'] += 1;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const [only, ...others] = changes;
    if (only && others.length === 0) {
      const row = only.after as Row;
      leaveAlone(report, {
        key: keyOf(entity, row),
        title: titleOf(entity, row),
        why: error.message,
      });
    } else {
      const half = Math.ceil(changes.length / 2);
      await writePart(from, entity, changes.slice(0, half), report);
      await writePart(from, entity, changes.slice(half), report);
    }
  }
}

type Known = { mine: Map<string, Row>; stops: Map<string, StopState>; mappings: Mappings };

/** What is equal here and at the destination is known to be equal from now on; only news is written. */
async function writeBases(
  { here, there, source }: CopyDown,
  entity: Entity,
  rows: Row[],
  { mine, stops, mappings }: Known,
) {
  if (!there) return;
  const keys = rows.map(({ id }) => ({ entity: entity.name, id }));
  const theirs =
    there === source
      ? new Map(rows.map((row) => [keyText({ entity: entity.name, id: row.id }), row]))
      : await read(there, keys);
  const seen = keys.flatMap((key): Seen[] => {
    const text = keyText(key);
    const [own, other, stop] = [mine.get(text), theirs.get(text), stops.get(text)];
    const hash = other ? hashOf(entity, other) : null;
    const words = own && inTheirWords(entity, own, mappings);
    const isEqual =
      words && other && (hasVerySameFields(entity, words, other) || hashOf(entity, words) === hash);
    const isKnown = (stop?.seen_hash ?? null) === hash && (!isEqual || stop?.base_hash === hash);
    if (stop && isKnown) return [];
    const base = isEqual && hash ? { hash, content: canonical(contentOf(entity, other)) } : null;
    return [{ key, seen: hash, base }];
  });
  await writeSeen(here.sql, seen, new Date().toISOString());
}
