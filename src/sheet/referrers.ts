// The section *Related rows* of a transfer sheet. It offers rows with pending changes that the transfer does not include
// yet and that refer to a chosen row, such as the tasks of a chosen business or the banners of a chosen task.
import { keyText, titleOf, type Entity, type RowKey } from '../catalog/entity.ts';
import type { Environment } from '../environments/environment.ts';
import { byEntity, readBy } from '../rows/store.ts';
import type { Sheet } from './sheet.ts';
import { referencesTo } from '../catalog/family.ts';
import { isReadyToSend, pendingRows } from '../state/pending.ts';

/** Rows of one type that refer to a chosen row and could be sent with it. */
export type ReferrerOffer = {
  /** The title of the chosen row. */
  target: string;
  /** Whether the rows are listed below the chosen row, as tasks below a business. */
  isUnder: boolean;
  label: { one: string; many: string };
  rows: { key: RowKey; title: string; status: string }[];
};

export async function referrerOffers(here: Environment, sheet: Sheet): Promise<ReferrerOffer[]> {
  const offered = new Set(sheet.plan.steps.map(keyText));
  const offers: ReferrerOffer[] = [];
  for (const [target, ids] of byEntity(sheet.facts.chosen)) {
    const references = referencesTo(target).filter(
      ({ from }) => from.owner === null && !target.dependents.includes(from.name),
    );
    for (const { from, field } of references) {
      const isUnder = from.fields[field]?.under === true;
      for (const [id, rows] of await pendingReferrers(here, { from, field, ids })) {
        // A row that refers to two chosen rows is offered once.
        const own = rows.filter(({ key }) => !offered.has(keyText(key)));
        for (const { key } of own) offered.add(keyText(key));
        const title = titleOfChosen(sheet, { entity: target.name, id });
        if (own.length > 0) offers.push({ target: title, isUnder, label: from.label, rows: own });
      }
    }
  }
  return offers;
}

/** Finds the rows that are ready to send and refer to one of these rows, by the id to which they refer. */
async function pendingReferrers(
  here: Environment,
  { from, field, ids }: { from: Entity; field: string; ids: number[] },
) {
  const pending = await pendingRows(here.sql, from);
  const rows = (pending.size > 0 ? await readBy(here, from, field, ids) : []).flatMap((row) => {
    const own = pending.get(row.id);
    if (!own || !isReadyToSend(own)) return [];
    const key = { entity: from.name, id: row.id };
    return [{ to: Number(row[field]), key, title: titleOf(from, row), status: own.status }];
  });
  return Map.groupBy(rows, ({ to }) => to);
}

function titleOfChosen({ facts }: Sheet, key: RowKey): string {
  const pair = facts.pairs.get(keyText(key));
  return pair?.here ? titleOf(pair.entity, pair.here) : `#${key.id}`;
}
