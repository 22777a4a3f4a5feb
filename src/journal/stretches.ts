// A table walked through a thousand ids at a time, told in digests from every place that is compared. Rows
// themselves are read only where something moved since the books were last found right.
import { fieldEntries, type Entity } from '../catalog/entity.ts';
import { first, join, select, sql, type Queryable } from '../database/sql.ts';
import { digests, idIn, nextId, STRETCH, stretchOf, type Line } from '../environments/digests.ts';
import { refuseWhileUpdating } from '../environments/open.ts';
import type { Stop } from '../environments/place.ts';
import { digestOf, readChecked, readSides, type Checked, type Sides } from './checked.ts';
import type { Mappings } from './mappings.ts';

/** Stretches whose digests are asked for at once. */
const RUN = 20;

export type Stretch = Checked &
  Sides & { entity: string; stretch: number; at: string; source: Line[] };
/** `source` is where rows come from, when they come from anywhere: then only its stretches are walked through. */
export type Places = { here: Stop; there: Stop | null; source: Stop | null };

/** Stretches from the one of `from` on, in order. */
export async function* stretchesOf(
  entity: Entity,
  { here, there, source }: Places,
  from: number,
): AsyncGenerator<Stretch> {
  const stops = [...new Set([here, there, source])].filter((stop) => stop !== null);
  for (let begin = stretchOf(from) * STRETCH; ;) {
    await refuseWhileUpdating(...stops);
    const next = source
      ? await nextId(source.sql, entity.table, begin)
      : await nextAnywhere(entity, here, there, begin);
    if (next === null) return;
    const [low, high] = [stretchOf(next), stretchOf(next) + RUN - 1];
    const at = new Date().toISOString();
    // Before what it is held against: what somebody writes meanwhile raises its generation.
    const known = await readChecked(here.sql, entity.name, low, high);
    const told = new Map(
      await Promise.all(
        stops.map(async (stop) => [stop, await digests(stop.sql, entity, low, high)] as const),
      ),
    );
    const linesOf = (stop: Stop | null, stretch: number) =>
      (stop && told.get(stop)?.get(stretch)) ?? [];
    const numbers = source
      ? [...(told.get(source)?.keys() ?? [])]
      : await withBooks(here.sql, entity, low, high, [
          ...new Set([...told.values()].flatMap((lines) => [...lines.keys()])),
        ]);
    for (const stretch of numbers.toSorted((one, other) => one - other)) {
      const { generation, digest } = known.get(stretch) ?? { generation: 0, digest: null };
      yield {
        ...{ entity: entity.name, stretch, at, generation, digest },
        here: linesOf(here, stretch),
        there: linesOf(there, stretch),
        source: linesOf(source, stretch),
      };
    }
    begin = (high + 1) * STRETCH;
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
  if (gaps.length === 0) return numbers;
  const within = join(
    gaps.map((one) => sql`row_id between ${one * STRETCH} and ${(one + 1) * STRETCH - 1}`),
    ' or ',
  );
  const more = await select<{ stretch: number }>(
    on,
    sql`select distinct row_id div ${STRETCH} as stretch from row_state
         where entity = ${name} and (${within}) and deleted_at is null
         union
        select distinct row_id div ${STRETCH} from stop_state
         where entity = ${name} and (${within}) and seen_hash is not null`,
  );
  return [...numbers, ...more.map(({ stretch }) => stretch)];
}

/** Digests tell names as they stand; where names are mapped, equal names are not the same. */
export const isTold = (entity: Entity, mappings: Mappings) =>
  mappings.size === 0 || !fieldEntries(entity).some(([, { through }]) => through);

/** Ids whose books may be wrong: what moved on either side since they were right. Null when nothing is known. */
export async function unchecked(on: Queryable, stretch: Stretch): Promise<Set<number> | null> {
  if (stretch.digest === null) return null;
  if (stretch.digest === digestOf(stretch)) return new Set();
  const known = await readSides(on, stretch.entity, stretch.stretch);
  if (!known) return null;
  return new Set([...moved(known.here, stretch.here), ...moved(known.there, stretch.there)]);
}

/** Ids of the lines that are only in one of two lists. */
function moved(before: Line[], after: Line[]): number[] {
  const [former, present] = [new Set(before), new Set(after)];
  return [...former.symmetricDifference(present)].map(idIn);
}

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
  for (;;) {
    const item = await next;
    if (item === null) return;
    next = take();
    // Whoever comes for it is told.
    next.catch(() => {});
    yield item.ready;
  }
}
