// Builds the menu: first the pages that the signed-in person needs often, then the types of the catalogue, and all
// other pages under *More*. Pages that can have no content in this environment are left out.
import type { Request } from 'express';
import { catalog } from '../catalog/index.ts';
import type { Entity } from '../catalog/entity.ts';
import {
  entryOf,
  help,
  home,
  menuEntries,
  type MenuCounts,
  type MenuEntry,
} from './menu-entries.ts';
import { approvalsWaiting, failureCounts, pendingCounts } from './work-counts.ts';

type MenuLink = Pick<MenuEntry, 'href' | 'icon' | 'text'> & {
  /** The number beside the link, for example of failed jobs; null if the number is zero or not known. */
  count: number | null;
  counted: string;
  isCurrent: boolean;
};
type MenuSection = { heading: string; links: MenuLink[] };
type Menu = {
  often: MenuLink[];
  types: MenuLink[];
  more: MenuSection[];
  /** Whether the page that is shown is listed under *More*. */
  isMoreOpen: boolean;
  /** The link to the help, in the same place on every page (WCAG 3.2.6). */
  help: MenuLink;
};

/** How many milliseconds a page waits for the counts in its menu. */
const PATIENCE_MS = 150;

/** Builds the menu: the pages that the signed-in person may open in this environment. */
export async function menuOf(req: Request): Promise<Menu | null> {
  if (!req.account) return null;
  const [pending, failures, approvals] = await Promise.all([
    pendingCounts(req, PATIENCE_MS),
    failureCounts(req, PATIENCE_MS),
    approvalsWaiting(req, PATIENCE_MS),
  ]);
  const counts: MenuCounts = {
    ready: pending?.answer.all.ready ?? null,
    untested: pending && req.here.rules.isTested ? pending.answer.untested : null,
    approvals,
    failedJobs: failures?.answer.jobs ?? null,
    failedDeliveries: failures?.answer.deliveries ?? null,
  };
  const all = menuEntries(req, counts);
  const toLink = linkOn(pathOf(req));
  const rest = all.filter(({ isOften }) => isOften !== true);
  const more = [...Map.groupBy(rest, ({ section }) => section)].map(([heading, entries]) => ({
    heading,
    links: entries.map(toLink),
  }));
  return {
    often: [home, ...all.filter(({ isOften }) => isOften === true)].map(toLink),
    types: catalog.filter(isInMenu).map(entryOf).map(toLink),
    more,
    help: toLink(help),
    isMoreOpen: more.some(({ links }) => links.some(({ isCurrent }) => isCurrent)),
  };
}

/**
 * Whether the menu lists an entity with the types of the catalogue. Dependent rows are listed on the page of their
 * owner. Only form fields also have their own list, because there are so many of them.
 */
const isInMenu = ({ name, owner, isMatchedByName }: Entity) =>
  (owner === null && !isMatchedByName) || name === 'form_field';

const pathOf = ({ originalUrl }: Request) => originalUrl.split('?')[0] ?? '';

/** Whether a page is that of a menu entry or below it. */
const isWithin = (path: string, entry: string) =>
  path === entry || (entry !== '/' && path.startsWith(`${entry}/`));

const linkOn =
  (path: string) =>
  ({ href, icon, text, count = null, counted = '' }: MenuEntry): MenuLink => ({
    href,
    icon,
    text,
    count: count === 0 ? null : count,
    counted,
    isCurrent: isWithin(path, href.split('?')[0] ?? ''),
  });
