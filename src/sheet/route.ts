import { destinationOf, type App } from '../environments/app.ts';
import { rulesOf, type EnvironmentName } from '../environments/rules.ts';
import { NotFound } from '../problems.ts';
import type { FactsQuery } from './facts.ts';
import type { SelectionKind } from './selections.ts';
import type { Environment } from '../environments/environment.ts';
import type { Request } from 'express';
import { accountOf } from '../web/request.ts';

/**
 * Returns the route (source and destination) of a sheet: from this environment to the next one; for a restore and a
 * takeover, from production or the next environment to this one.
 */
export function routeFrom(here: App, person: string, kind: SelectionKind = 'transfer'): Route {
  const lease = here.settings.lease.milliseconds;
  const inwards = { to: here, lease, hostHere: null, journal: here, asksApproval: false };
  if (kind === 'restore') {
    if (!here.source) throw new NotFound('Production cannot be read from here (REFRESH_SOURCE_*).');
    return { from: here.source, ...inwards };
  }
  if (kind === 'undo-here') return { from: here, ...inwards };
  const there = destinationOf(here);
  if (kind === 'takeover') return { from: there, ...inwards };
  const { [here.name]: own = null, ...others } = hostNames(here.settings.urls);
  const isAsked = here.settings.requireTested && rulesOf(here.name).isTested;
  const testedForSender = isAsked ? person : null;
  return {
    from: here,
    to: there,
    lease,
    hostHere: own,
    otherHosts: others,
    testedForSender,
    asksApproval: here.settings.requireApproval,
  };
}

/** Returns the host name of each URL, and skips invalid URLs. */
const hostNames = (
  urls: Partial<Record<EnvironmentName, string>>,
): Partial<Record<EnvironmentName, string>> =>
  Object.fromEntries(
    Object.entries(urls).flatMap(([name, url]) => {
      const host = URL.parse(url)?.host;
      return host ? [[name, host]] : [];
    }),
  );

/**
 * The source and the destination of a transfer. `lease`: how many milliseconds a worker may be silent before another
 * worker takes over the transfer.
 */
export type Route = {
  from: Environment;
  to: Environment;
  lease: number;
  hostHere: string | null;
  otherHosts?: FactsQuery['otherHosts'];
  /** The sender of the transfer, if the settings require that someone else has tested the rows. */
  testedForSender?: string | null;
  /** Whether another product manager must approve what is sent on this route. */
  asksApproval: boolean;
  /**
   * The environment that stores the journal (the record of every transfer), if the source does not
   * store it: a restore or takeover is recorded at its destination.
   */
  journal?: Environment;
};

export const journalOf = ({ from: here, journal: journalAt }: Route): Environment =>
  journalAt ?? here;

/**
 * Returns the neighbouring environment of a route: the source or the destination, whichever is not this environment.
 */
export const farSideOf = (route: Route): Environment =>
  journalOf(route) === route.to ? route.from : route.to;

/** Whether the sender must give a reason: for a transfer to production, and always as a person on call. */
export const asksReason = (route: Route, { role }: { role?: 'product_manager' | 'on_call' }) =>
  rulesOf(route.to.name).asksReason || role === 'on_call';

/** Returns the role in which a person sends: `on_call` for everyone who is not a product manager. */
export const roleOf = (req: Request) =>
  accountOf(req).permissions.includes('product_manager') ? 'product_manager' : 'on_call';

export const routeOf = (req: Request, kind: SelectionKind = 'transfer'): Route =>
  routeFrom(req.here, accountOf(req).email, kind);
