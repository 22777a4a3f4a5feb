import type { App } from '../environments/app.ts';
import { rulesOf, type EnvironmentName } from '../environments/rules.ts';
import { NotFound } from '../problems.ts';
import type { FactsQuery } from './facts.ts';
import type { SelectionKind } from './selections.ts';
import type { Environment } from '../environments/environment.ts';
import type { Request } from 'express';
import { accountOf } from '../web/request.ts';

/**
 * The route (source and destination) on which a sheet sends rows: to the next environment, or from production to this
 * one.
 */
export function routeFrom(here: App, person: string, kind: SelectionKind = 'transfer'): Route {
  const lease = here.settings.lease.milliseconds;
  if (kind === 'restore') {
    if (!here.source) throw new NotFound('Production cannot be read from here (REFRESH_SOURCE_*).');
    return { from: here.source, to: here, lease, hostHere: null, journal: here };
  }
  const there = here.destination;
  if (!there) throw new NotFound(`${rulesOf(here.name).label} has no destination.`);
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
  };
}

/** The host name of each URL; an invalid URL is left out. */
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
 * The source and the destination of a transfer. `lease`: after how many milliseconds of silence another worker takes
 * over.
 */
export type Route = {
  from: Environment;
  to: Environment;
  lease: number;
  hostHere: string | null;
  otherHosts?: FactsQuery['otherHosts'];
  /** The sender of the transfer, if the settings require that someone else has tested the rows. */
  testedForSender?: string | null;
  /**
   * The environment that stores the journal (the record of every transfer), if it is not the source: a restore is
   * recorded where it is written.
   */
  journal?: Environment;
};

export const journalOf = ({ from: here, journal: journalAt }: Route): Environment =>
  journalAt ?? here;

/** The environment at the other end of a route: its source or destination, whichever is not this environment. */
export const farSideOf = (route: Route): Environment =>
  journalOf(route) === route.to ? route.from : route.to;

/** Whether the sender must give a reason: for transfers to production, and for people on call. */
export const asksReason = (route: Route, { role }: { role?: 'product_manager' | 'on_call' }) =>
  rulesOf(route.to.name).asksReason || role === 'on_call';

/** The role in which the person acts: product manager or on call. */
export const roleOf = (req: Request) =>
  accountOf(req).permissions.includes('product_manager') ? 'product_manager' : 'on_call';

export const routeOf = (req: Request, kind: SelectionKind = 'transfer'): Route =>
  routeFrom(req.here, accountOf(req).email, kind);
