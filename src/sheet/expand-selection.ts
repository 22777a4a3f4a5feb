// Expands a selection to all rows of its transfer: adds dependent rows (such as the fields of a form), and referenced
// rows that the destination lacks or that the user added.
import { keyText, titleOf, type Row, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import { dependentPairs } from '../comparison/dependent-pairs.ts';
import { shownStatus, type Facts } from './facts.ts';
import { rowToSend, type Choices } from './choices.ts';
import type { Status } from '../state/status.ts';
import { parentsOf } from '../catalog/family.ts';
import type { Problem } from './problem.ts';

export type Offer = { key: RowKey; title: string; status: Status | null; why: string };

export type ExpandedRow = { key: RowKey; because: string | null };

export function expandSelection(facts: Facts, choices: Choices) {
  const going = new Map<string, ExpandedRow>();
  const offers = new Map<string, Offer>();
  const reliedOn = new Map<string, RowKey>();
  const missing: Problem[] = [];
  const take = (key: RowKey, because: string | null) => {
    if (going.has(keyText(key))) return;
    going.set(keyText(key), { key, because });
    reliedOn.delete(keyText(key));
    offers.delete(keyText(key));
    const pair = facts.pairs.get(keyText(key));
    for (const dependent of dependentPairs(facts.pairs, key)) {
      const owner = entityNamed(key.entity).label.one.toLowerCase();
      take(dependent.key, `belongs to this ${owner}`);
    }
    // If a row is in sync, the destination already has every row that it refers to.
    if (pair?.here && pair.status !== 'In sync') {
      parentsOf(pair.entity, rowToSend(pair, choices)).forEach((one) => need(one, pair));
    }
  };
  const need = (key: RowKey, child: RowPair) => {
    const text = keyText(key);
    const parent = facts.pairs.get(text);
    const who = `${child.entity.label.one} “${titleOf(child.entity, child.here as Row)}”`;
    if (going.has(text)) return;
    if (!parent?.here && !parent?.there) missing.push(missingParent(key, child, who));
    else if (parent.here && (parent.there === null || choices.include.includes(text))) {
      take(key, parent.there === null ? `${who} needs it` : 'added on this sheet');
    } else {
      reliedOn.set(text, key);
      if (parent.here && parent.status !== 'In sync') {
        const title = titleOf(parent.entity, parent.here);
        offers.set(text, {
          key,
          title,
          status: shownStatus(facts, parent),
          why: `${who} refers to it`,
        });
      }
    }
  };
  for (const key of facts.chosen) take(key, null);
  for (const text of choices.include) {
    const pair = facts.pairs.get(text);
    if (pair?.here) take(pair.key, 'added on this sheet');
  }
  return { going, offers: [...offers.values()], reliedOn: [...reliedOn.values()], missing };
}

function missingParent(key: RowKey, child: RowPair, who: string): Problem {
  const { label } = entityNamed(key.entity);
  return {
    reason: 'parent-missing',
    row: child.key,
    message: `${who} needs ${label.one.toLowerCase()} ${key.id}, which exists neither here nor there.`,
    solutions: [{ kind: 'edit', key: child.key }],
  };
}
