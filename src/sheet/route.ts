import type { App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import { NotFound } from '../problems.ts';
import type { SelectionKind } from './selections.ts';
import type { Environment } from '../environments/environment.ts';
import type { Request } from 'express';
import { accountOf } from '../web/request.ts';

/** The way that rows of a sheet go: to the destination, or from production back to here. */
export function routeFrom(here: App, person: string, kind: SelectionKind = 'transfer'): Route {
  const lease = here.settings.lease.milliseconds;
  if (kind === 'restore') {
    if (!here.source) throw new NotFound('Production cannot be read from here (REFRESH_SOURCE_*).');
    return { from: here.source, to: here, lease, hostHere: null, journal: here };
  }
  const there = here.destination;
  if (!there) throw new NotFound(`${rulesOf(here.name).label} has no destination.`);
  const own = here.settings.urls[here.name];
  const isAsked = here.settings.requireTested && rulesOf(here.name).isTested;
  const testedForSender = isAsked ? person : null;
  return {
    from: here,
    to: there,
    lease,
    hostHere: own ? new URL(own).host : null,
    testedForSender,
  };
}

/** Where a transfer goes from and to, and how long a worker may be silent. */
export type Route = {
  from: Environment;
  to: Environment;
  lease: number;
  hostHere: string | null;
  /** Who sends, where only what others have tried may go. */
  testedForSender?: string | null;
  /** Where the journal is, when that is not where rows come from: what is brought back is written there. */
  journal?: Environment;
};

export const journalOf = ({ from: here, journal: journalAt }: Route): Environment =>
  journalAt ?? here;

/** Who only has the on_call permission brings nothing new, and says why. */
export const asksReason = (route: Route, { role }: { role?: 'product_manager' | 'on_call' }) =>
  rulesOf(route.to.name).asksReason || role === 'on_call';

/** Who acts: a product manager, or whoever is on call. */
export const roleOf = (req: Request) =>
  accountOf(req).permissions.includes('product_manager') ? 'product_manager' : 'on_call';

export const routeOf = (req: Request, kind: SelectionKind = 'transfer'): Route =>
  routeFrom(req.here, accountOf(req).email, kind);
