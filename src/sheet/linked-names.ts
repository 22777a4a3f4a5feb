// The cities and partners that planned rows are linked with.
import { fieldEntries, type RowKey } from '../catalog/entity.ts';
import type { Link } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Step } from '../writing/journal.ts';

export type LinkedName = { kind: 'city' | 'partner'; name: string; row: RowKey };

/** Every linked city and partner as the destination spells it, each once. */
export function linkedNames(steps: Step[]): LinkedName[] {
  const found = new Map<string, LinkedName>();
  for (const step of steps) {
    for (const [field, { through }] of fieldEntries(entityNamed(step.entity))) {
      const links =
        through && step.action !== 'same' ? ((step.after?.[field] ?? []) as Link[]) : [];
      for (const { city, partner } of links) {
        const row = { entity: step.entity, id: step.id };
        found.set(`city:${city}`, { kind: 'city', name: city, row });
        if (partner !== null) {
          found.set(`partner:${partner}`, { kind: 'partner', name: partner, row });
        }
      }
    }
  }
  return [...found.values()];
}
