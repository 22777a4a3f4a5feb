// Production's rows copied down into this environment, in parts. Rows with work of their own are left alone
// and listed. It can be stopped and run again at any point: what is equal already is passed over.
import { canonical, contentOf, hashOf } from '../catalog/content.ts';
import {
  fieldEntries,
  keyText,
  titleOf,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { matchedByName, travelling } from '../catalog/index.ts';
import { drawIds, raiseIds } from '../environments/ids.ts';
import { idsByName } from '../environments/names.ts';
import type { Place, Stop } from '../environments/place.ts';
import { read, readAfter } from '../environments/row-store.ts';
import { Conflict } from '../problems.ts';
import { onRows } from '../journal/claims.ts';
import { write, type Change } from '../journal/own-write.ts';
import { hasVerySameFields } from './compare.ts';
import { untilOpen } from '../version/standing.ts';
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

const PART = 1000;

export type CopyDown = {
  here: Stop;
  /** Where rows go from here; a base is written where its row is equal. Null when there is none. */
  there: Place | null;
  source: Place;
  lease: number;
  /** Said after each part. */
  progress?: (done: { entity: Entity; rows: number }) => void;
};

export type LeftAlone = { key: RowKey; title: string; why: string };
export type Report = { created: number; updated: number; same: number; leftAlone: LeftAlone[] };

const author = { email: 'oneway refresh', isProductManager: true };

export async function copyDown(from: CopyDown): Promise<Report> {
  const report: Report = { created: 0, updated: 0, same: 0, leftAlone: [] };
  for (const entity of matchedByName)
    await inParts(from, entity, (rows) => copyNames(from, entity, rows, report));
  for (const entity of promotionOrder(travelling)) {
    await inParts(from, entity, (rows) => copyRows(from, entity, rows, report));
  }
  return report;
}

async function inParts(
  { source, here, progress }: CopyDown,
  entity: Entity,
  copy: (rows: Row[]) => Promise<void>,
) {
  let after = 0;
  let done = 0;
  for (;;) {
    await untilOpen(here.documents, source.documents);
    const rows = await readAfter(source, entity, after, PART);
    if (rows.length === 0) break;
    await copy(rows);
    await raiseIds(
      here,
      entity.name,
      rows.map((row) => row.id),
    );
    after = rows.at(-1)?.id ?? after;
    done += rows.length;
    progress?.({ entity, rows: done });
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
    const id = isTaken ? await drawIds(here, entity.name) : row.id;
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
    const key = { entity: entity.name, id: row.id };
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
    else if (why) report.leftAlone.push({ key, title: titleOf(entity, before ?? row), why });
    else {
      changes.push({ entity, before, after: withOwnLocals(entity, row, before) });
    }
  }
  await writePart(from, entity, changes, report);
  const written = changes.map(({ after }) => ({ entity: entity.name, id: (after as Row).id }));
  for (const [text, row] of await read(here, written)) mine.set(text, row);
  await writeBases(from, entity, rows, { mine, stops, mappings });
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
    await write(from, author, changes, { kind: 'copy-down', name });
    for (const { before } of changes) report[before ? 'updated' : 'created'] += 1;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const [only, ...others] = changes;
    if (only && others.length === 0) {
      const row = only.after as Row;
      const key = { entity: entity.name, id: row.id };
      report.leftAlone.push({ key, title: titleOf(entity, row), why: error.message });
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
