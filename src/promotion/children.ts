// *Also under this business*: rows that stand under what is going, and wait too.
import { keyText, titleOf, type RowKey } from '../catalog/entity.ts';
import { entityNamed, referencesTo } from '../catalog/index.ts';
import type { Stop } from '../environments/place.ts';
import { readBy } from '../environments/row-store.ts';
import { isWaitingOnly, waiting } from './compare.ts';
import type { Sheet } from './transfers.ts';

export type ChildOffer = {
  parent: string;
  label: { one: string; many: string };
  rows: { key: RowKey; title: string; status: string }[];
};

export async function childOffers(here: Stop, { facts, plan }: Sheet): Promise<ChildOffer[]> {
  const going = new Set(plan.steps.map(keyText));
  const offers: ChildOffer[] = [];
  for (const key of facts.chosen) {
    const parent = entityNamed(key.entity);
    for (const { from, field } of referencesTo(parent)) {
      if (from.fields[field]?.under && !parent.dependents.includes(from.name)) {
        const all = await waiting(here.sql, from);
        const rows = (await readBy(here, from, field, [key.id])).flatMap((row) => {
          const child = { entity: from.name, id: row.id };
          const waits = all.get(row.id);
          return waits && isWaitingOnly(waits) && !going.has(keyText(child))
            ? [{ key: child, title: titleOf(from, row), status: waits.status }]
            : [];
        });
        const sight = facts.sights.get(keyText(key));
        const title = sight?.here ? titleOf(parent, sight.here) : parent.label.one;
        if (rows.length > 0) offers.push({ parent: title, label: from.label, rows });
      }
    }
  }
  return offers;
}
