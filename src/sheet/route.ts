import type { Here } from '../environments/app.ts';
import { rung } from '../environments/rules.ts';
import { NotFound } from '../problems.ts';
import type { SelectionKind } from './selections.ts';
import type { Stop } from '../environments/environment.ts';
import type { Click } from '../transfers/send.ts';
import type { Request } from 'express';
import { accountOf } from '../web/request.ts';

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

/** Where a transfer goes from and to, and how long a worker may be silent. */
export type Road = {
  here: Stop;
  there: Stop;
  lease: number;
  hostHere: string | null;
  /** Who sends, where only what others have tried may go. */
  testedForSender?: string | null;
  /** Where the journal is, when that is not where rows come from: what is brought back is written there. */
  journalAt?: Stop;
};

export const journalOf = ({ here, journalAt }: Road): Stop => journalAt ?? here;

/** Who only has the on_call permission brings nothing new, and says why. */
export const asksReason = (road: Road, { role }: Pick<Click, 'role'>) =>
  rung(road.there.name).asksReason || role === 'on_call';

/** Who acts: a product manager, or whoever is on call. */
export const roleOf = (req: Request) =>
  accountOf(req).permissions.includes('product_manager') ? 'product_manager' : 'on_call';

export const roadOf = (req: Request, kind: SelectionKind = 'transfer'): Road =>
  roadFrom(req.here, accountOf(req).email, kind);
