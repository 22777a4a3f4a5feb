// The section *Also under this business* of a transfer sheet. It offers rows with pending changes below a chosen row
// (such as the tasks of a chosen business) that the transfer does not include yet.
import { keyText, titleOf, type RowKey } from '../catalog/entity.ts';
import type { Environment } from '../environments/environment.ts';
import { byEntity, readBy } from '../rows/store.ts';
import type { Sheet } from './sheet.ts';
import { referencesTo } from '../catalog/family.ts';
import { isReadyToSend, pendingRows } from '../state/pending.ts';

export type ChildOffer = {
  parent: string;
  label: { one: string; many: string };
  rows: { key: RowKey; title: string; status: string }[];
};

export async function childOffers(
  here: Environment,
  { facts, plan }: Sheet,
): Promise<ChildOffer[]> {
  const going = new Set(plan.steps.map(keyText));
  const offers: ChildOffer[] = [];
  for (const [parent, ids] of byEntity(facts.chosen)) {
    for (const { from, field } of referencesTo(parent)) {
      if (from.fields[field]?.under && !parent.dependents.includes(from.name)) {
        const waits = await pendingRows(here.sql, from);
        const children = (await readBy(here, from, field, ids)).filter((row) => {
          const own = waits.get(row.id);
          return (
            own && isReadyToSend(own) && !going.has(keyText({ entity: from.name, id: row.id }))
          );
        });
        for (const id of ids) {
          const rows = children
            .filter((row) => row[field] === id)
            .map((row) => ({
              key: { entity: from.name, id: row.id },
              title: titleOf(from, row),
              status: waits.get(row.id)?.status ?? '',
            }));
          const pair = facts.pairs.get(keyText({ entity: parent.name, id }));
          const title = pair?.here ? titleOf(parent, pair.here) : parent.label.one;
          if (rows.length > 0) offers.push({ parent: title, label: from.label, rows });
        }
      }
    }
  }
  return offers;
}
