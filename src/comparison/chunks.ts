// A table walked through a thousand ids at a time, told in digests from every place that is compared. Rows
// themselves are read only where something moved since the books were last found right.
import { fieldEntries, type Entity } from '../catalog/entity.ts';
import { first, sql, type Queryable } from '../database/sql.ts';
import {
  digests,
  Lines,
  nextId,
  sideBySide,
  STRETCH,
  stretchOf,
  type Line,
} from '../rows/digests.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import type { Stop } from '../environments/environment.ts';
import { together } from '../settle-all.ts';
import {
  digestOf,
  idsInBooks,
  readChecked,
  readSides,
  type Checked,
  type Sides,
} from '../state/checked-chunks.ts';
import type { Mappings } from '../state/name-mapping.ts';

/** Stretches whose digests are asked for at once: fewer questions, and still enough to look ahead. */
const RUN = 34;

export type Stretch = Checked &
  Sides & {
    stretch: number;
    source: Lines;
    /** Ids of which the books may be wrong: what moved since they were right. Null when they all may. */
    unsure: Set<number> | null;
    /** Ids whose lines are kept apart already; null where that was not read. */
    since: Set<number> | null;
  };
/** Stretches that are worked on together, and the ids in them that are looked at one by one. */
export type Part = { at: string; stretches: Stretch[]; ids: number[] };
/** `source` is where rows come from, when they come from anywhere: then only its stretches are walked through. */
export type Places = { here: Stop; there: Stop | null; source: Stop | null };

export type Walk = {
  from: number;
  /** Nothing of what was checked counts. */
  isUntold: boolean;
  /** Which rows of a stretch are to be read. */
  wanted: (stretch: Stretch) => Iterable<number>;
};

/** Stretches from the one of `from` on, in order. */
export async function* partsOf(
  entity: Entity,
  places: Places,
  { from, isUntold, wanted }: Walk,
): AsyncGenerator<Part> {
  const runs = oneAhead(runsOf(entity, places, from), async (run) => {
    if (!isUntold) await findUnsure(places.here.sql, entity, run.stretches);
    return run;
  });
  for await (const { at, stretches } of runs) {
    let part: Part = { at, stretches: [], ids: [] };
    for (const stretch of stretches) {
      const ids = [...wanted(stretch)];
      if (part.ids.length + ids.length > STRETCH && part.stretches.length > 0) {
        yield part;
        part = { at, stretches: [], ids: [] };
      }
      part.stretches.push(stretch);
      part.ids.push(...ids);
    }
    if (part.stretches.length > 0) yield part;
  }
}

type Run = { at: string; stretches: Stretch[] };

async function* runsOf(entity: Entity, places: Places, from: number): AsyncGenerator<Run> {
  for (let begin: number | null = await nextOf(entity, places, from); begin !== null;) {
    const low = stretchOf(begin);
    const run = await readRun(entity, places, low);
    yield run;
    const end = (low + RUN) * STRETCH;
    // Where the last stretch has rows, the next one is taken to have some, too.
    const isDense = run.stretches.at(-1)?.stretch === low + RUN - 1;
    begin = isDense ? end : await nextOf(entity, places, end);
  }
}

const nextOf = (entity: Entity, { here, there, source }: Places, from: number) =>
  source
    ? nextId(source.sql, entity.table, stretchOf(from) * STRETCH)
    : nextAnywhere(entity, here, there, stretchOf(from) * STRETCH);

async function readRun(entity: Entity, { here, there, source }: Places, low: number): Promise<Run> {
  const stops = [...new Set([here, there, source])].filter((stop) => stop !== null);
  await refuseWhileUpdating(...(source ? [here, source] : stops));
  const high = low + RUN - 1;
  const at = new Date().toISOString();
  // Before what it is held against: what somebody writes meanwhile raises its generation.
  const known = await readChecked(here.sql, entity.name, low, high);
  const told = await together(stops.map((stop) => digests(stop.sql, entity, low, high)));
  const linesOf = (stop: Stop | null, stretch: number) =>
    (stop && told[stops.indexOf(stop)]?.get(stretch)) ?? new Lines();
  const numbers = source
    ? [...(told[stops.indexOf(source)]?.keys() ?? [])]
    : await withBooks(here.sql, entity, low, high, [
        ...new Set(told.flatMap((lines) => [...lines.keys()])),
      ]);
  const stretches = numbers
    .toSorted((one, other) => one - other)
    .map((stretch): Stretch => ({
      ...{ generation: 0, digest: null, ...known.get(stretch), stretch, unsure: null, since: null },
      here: linesOf(here, stretch),
      there: linesOf(there, stretch),
      source: linesOf(source, stretch),
    }));
  return { at, stretches };
}

/** Holds what stands there against what stood there when the books were right. */
async function findUnsure(on: Queryable, { name }: Entity, stretches: Stretch[]) {
  const moved = [];
  for (const one of stretches) {
    if (one.digest === digestOf(one)) one.unsure = new Set();
    else if (one.digest !== null) moved.push(one);
  }
  const known = await readSides(
    on,
    name,
    moved.map(({ stretch }) => stretch),
  );
  for (const one of moved) {
    const was = known.get(one.stretch);
    if (!was) continue;
    one.since = was.since;
    const unsure = new Set<number>();
    const doubt = (id: number, before: Line | undefined, after: Line | undefined) => {
      if (before !== after) unsure.add(id);
    };
    sideBySide(was.here, one.here, doubt);
    sideBySide(was.there, one.there, doubt);
    one.unsure = unsure;
  }
}

/** The first id that either side or the books know. */
async function nextAnywhere(entity: Entity, here: Stop, there: Stop | null, from: number) {
  const inBooks = await first<{ id: number | null }>(
    here.sql,
    sql`select least(coalesce(s.id, t.id), coalesce(t.id, s.id)) as id
          from (select min(row_id) as id from row_state
                 where entity = ${entity.name} and row_id >= ${from}) s,
               (select min(row_id) as id from stop_state
                 where entity = ${entity.name} and row_id >= ${from}) t`,
  );
  const ids = [
    inBooks?.id ?? null,
    await nextId(here.sql, entity.table, from),
    there && (await nextId(there.sql, entity.table, from)),
  ].filter((id) => id !== null);
  return ids.length === 0 ? null : Math.min(...ids);
}

/** Stretches of which no row is left, but books speak of rows in them. */
async function withBooks(
  on: Queryable,
  { name }: Entity,
  low: number,
  high: number,
  numbers: number[],
): Promise<number[]> {
  const known = new Set(numbers);
  const gaps = [];
  for (let one = low; one <= high; one += 1) if (!known.has(one)) gaps.push(one);
  const ids = await idsInBooks(on, name, gaps);
  return [...numbers, ...new Set(ids.map(stretchOf))];
}

/** Digests tell names as they stand; where names are mapped, equal names are not the same. */
export const isTold = (entity: Entity, mappings: Mappings) =>
  mappings.size === 0 || !fieldEntries(entity).some(([, { through }]) => through);

/** The next item is made ready while the present one is worked on. */
export async function* oneAhead<T, R>(
  items: AsyncIterable<T>,
  prepare: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const iterator = items[Symbol.asyncIterator]();
  const take = async () => {
    const { done, value } = await iterator.next();
    return done ? null : { ready: await prepare(value) };
  };
  let next = take();
  try {
    for (;;) {
      const item = await next;
      if (item === null) return;
      next = take();
      // Whoever comes for it is told.
      next.catch(() => {});
      yield item.ready;
    }
  } finally {
    await next.catch(() => {});
    await iterator.return?.();
  }
}
