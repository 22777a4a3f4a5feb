// What changed in an environment in the last hours: by row and field, who, why, and from where.
import { differingFields } from '../catalog/content.ts';
import { labelOf } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { image, type Arrival } from '../journal/history.ts';
import { inWords } from '../web/words.ts';

export type Change = {
  arrival: Arrival;
  fields: ReturnType<typeof changesIn>;
};

/** Newest first; at most `limit` rows, and whether there are more. */
export async function changesSince(
  on: Queryable,
  hours: number,
  limit: number,
): Promise<{ changes: Change[]; isMore: boolean }> {
  const arrivals = await select<Arrival>(
    on,
    sql`select * from arrival
         where at > utc_timestamp(3) - interval ${hours} hour and kind <> 'copy-down'
         order by id desc
         limit ${limit + 1}`,
  );
  return {
    changes: arrivals
      .slice(0, limit)
      .map((arrival) => ({ arrival, fields: changesIn(arrival, { withLocals: false }) })),
    isMore: arrivals.length > limit,
  };
}

/** Old and new value of every field that an arrival changed; elsewhere, what is local there is nobody's business. */
export function changesIn(
  { entity: name, before_image, after_image }: Arrival,
  { withLocals }: { withLocals: boolean },
) {
  const entity = entityNamed(name);
  const [before, after] = [image(before_image), image(after_image)];
  return differingFields(entity, before ?? {}, after ?? {}).flatMap((field) => {
    const definition = entity.fields[field];
    if (!definition || (definition.local && !withLocals)) return [];
    return [
      {
        label: labelOf(entity, field),
        before: inWords(definition, before?.[field]),
        after: inWords(definition, after?.[field]),
      },
    ];
  });
}
