import type { Here } from '../environments/here.ts';
import { rung } from '../environments/ladder.ts';
import { NotFound } from '../problems.ts';
import type { SelectionKind } from './selections.ts';
import type { Road } from './sheets.ts';

/** The way that rows of a sheet go: to the destination, or from production back to here. */
export function roadFrom(here: Here, person: string, kind: SelectionKind = 'transfer'): Road {
  const lease = here.settings.lease.milliseconds;
  if (kind === 'bring-back') {
    if (!here.source) throw new NotFound('Production cannot be read from here (REFRESH_SOURCE_*).');
    return { here: here.source, there: here, lease, hostHere: null, journalAt: here };
  }
  const there = here.destination;
  if (!there) throw new NotFound(`${rung(here.name).label} has no destination.`);
  const own = here.settings.urls[here.name];
  const isAsked = here.settings.requireTested && rung(here.name).isTested;
  const testedForSender = isAsked ? person : null;
  return { here, there, lease, hostHere: own ? new URL(own).host : null, testedForSender };
}
