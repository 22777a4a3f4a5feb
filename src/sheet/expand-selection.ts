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
    const text = keyText(key);
    if (going.has(text)) return;
    going.set(text, { key, because });
    reliedOn.delete(text);
    offers.delete(text);
    const pair = facts.pairs.get(text);
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
    if (going.has(text)) return;
    const parent = facts.pairs.get(text);
    if (!parent?.here && !parent?.there) missing.push(missingParent(key, child));
    else if (parent.here && (parent.there === null || choices.include.includes(text))) {
      take(key, parent.there === null ? `${nameOf(child)} needs it` : 'added on this sheet');
    } else {
      reliedOn.set(text, key);
      if (parent.here && parent.status !== 'In sync') {
        const title = titleOf(parent.entity, parent.here);
        const why = `${nameOf(child)} refers to it`;
        offers.set(text, { key, title, status: shownStatus(facts, parent), why });
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

const nameOf = ({ entity, here }: RowPair) =>
  `${entity.label.one} “${titleOf(entity, here as Row)}”`;

function missingParent(key: RowKey, child: RowPair): Problem {
  const { label } = entityNamed(key.entity);
  return {
    reason: 'parent-missing',
    row: child.key,
    message: `${nameOf(child)} needs ${label.one.toLowerCase()} ${key.id}, which exists neither here nor there.`,
    solutions: [{ kind: 'edit', key: child.key }],
  };
}
