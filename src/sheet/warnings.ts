// Warnings on a transfer sheet that timestamps at the destination lie in the future: the last timestamp that the
// destination assigned (in its table `clock`), or the `modified_at` of single rows. A warning does not prevent the
// transfer.
import { keyText } from '../catalog/entity.ts';
import { rulesOf } from '../environments/rules.ts';
import { fromSqlInstant } from '../database/sql.ts';
import { horizonOf, isClockAhead } from '../state/clock.ts';
import type { Facts } from './facts.ts';
import type { PlannedStep } from './planned-step.ts';
import { describe, keyOf, type Warning } from './problem.ts';

export function warningsOf({ clock, to, statesThere }: Facts, steps: PlannedStep[]): Warning[] {
  if (!clock) return [];
  const place = rulesOf(to).inText;
  const warnings: Warning[] = [];
  if (isClockAhead(clock)) {
    const message = `The last time that was given out in ${place} is ${timeText(clock.instant)}, ahead of its server's clock. Until then every change there gets a later time than that. An engineer runs “oneway release-check” there.`;
    warnings.push({ reason: 'clock-ahead', row: null, message });
  }
  const horizon = horizonOf(clock);
  for (const step of steps.filter(({ action }) => action !== 'same')) {
    const deleted = statesThere.get(keyText(step))?.deleted_at;
    const known = step.before?.modified_at ?? (deleted ? fromSqlInstant(deleted) : '');
    if (Date.parse(known) > horizon) {
      const message = `${describe(step)}: its modified_at in ${place} is ${timeText(known)}, ahead of the clock. It gets a later one than that, as far as there is one; other rows get the present time.`;
      warnings.push({ reason: 'instant-ahead', row: keyOf(step), message });
    }
  }
  return warnings;
}

/** Formats a timestamp as `2099-01-01 00:00:00 UTC`; a document may have a year of more than four digits. */
const timeText = (iso: string) => `${iso.slice(0, iso.indexOf('T') + 9).replace('T', ' ')} UTC`;
