// Lists recent changes in an environment, row by row and field by field: who made each change, why, and in which
// environment.
import { differingFields } from '../catalog/content.ts';
import { labelOf } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { isByAndAt } from '../database/newest-first.ts';
import { select, sql } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { withImages, type Arrival, type Replacement } from '../state/history.ts';
import { sentKinds } from '../state/transfer-kinds.ts';

export type Change = {
  arrival: Replacement;
  fields: ReturnType<typeof changesIn>;
  /**
   * How many more rows the same transfer has written that are not listed. A large transfer would otherwise hide other
   * changes.
   */
  more: number;
};

/** The maximum number of rows that the changes page lists for one transfer. */
const OF_EACH = 5;

/** `hours`: the changes of the last hours; null for those between two instants. */
type ChangesAsked = {
  hours: number | null;
  from?: string | null;
  until?: string | null;
  before: number | null;
  limit: number;
};

const columns = { person: sql`person`, at: sql`at` };
const isRecent = (hours: number) => sql`at > utc_timestamp(3) - interval ${hours} hour`;

/**
 * Lists changes, newest first. `before`: only changes whose arrival (the record of a written row) has a lower id.
 * `next`: the value of `before` for the following page; null on the last page.
 */
export async function changesSince(
  place: Databases,
  { hours, from = null, until = null, before, limit }: ChangesAsked,
): Promise<{ changes: Change[]; next: number | null }> {
  const isWithin = hours === null ? isByAndAt({ from, until }, columns) : isRecent(hours);
  const arrivals = await select<Arrival & { place: number; of_transfer: number }>(
    place.sql,
    sql`select a.*, n.place, n.of_transfer
          from (select id, row_number() over (partition by transfer order by id desc) as place,
                       count(*) over (partition by transfer) as of_transfer
                  from arrival
                 where kind in (${[...sentKinds, 'save']}) and ${isWithin}) n
          join arrival a on a.id = n.id
         where n.place <= ${OF_EACH} and (${before} is null or a.id < ${before})
         order by a.id desc
         limit ${limit + 1}`,
  );
  const shown = await withImages(place, arrivals.slice(0, limit));
  const last = shown.at(-1);
  return {
    changes: shown.map(({ place, of_transfer: all, ...arrival }) => ({
      arrival,
      fields: changesIn(arrival, { withLocals: false }),
      more: place === OF_EACH ? all - place : 0,
    })),
    next: arrivals.length > limit && last ? last.id : null,
  };
}

/**
 * Lists the old and the new value of each changed field. `withLocals` includes environment-specific
 * fields; callers omit them when the change came from another environment.
 */
export function changesIn(
  { entity: name, before, after }: Pick<Replacement, 'entity' | 'before' | 'after'>,
  { withLocals }: { withLocals: boolean },
) {
  const entity = entityNamed(name);
  return differingFields(entity, before ?? {}, after ?? {}).flatMap((field) => {
    const definition = entity.fields[field];
    if (!definition || (definition.local && !withLocals)) return [];
    return [
      {
        label: labelOf(entity, field),
        definition,
        values: { before: before?.[field], after: after?.[field] },
      },
    ];
  });
}
