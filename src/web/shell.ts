// Builds what surrounds every page: the menu, the links to the other environments, and bars with warnings about what is
// not possible right now.
import type { Request } from 'express';
import { isOpenedForEditing, may } from '../access/permissions.ts';
import { catalog } from '../catalog/index.ts';
import type { Entity } from '../catalog/entity.ts';
import { ladder, rulesOf } from '../environments/rules.ts';
import { countEach } from '../state/row-counts.ts';
import { readCookie } from './cookies.ts';
import { can, type OpenedCopy } from './request.ts';

type MenuLink = {
  href: string;
  icon: string;
  text: string;
  /** The number of rows of an entity, shown in the menu; null for other links. */
  count: number | null;
  isCurrent: boolean;
};
export type MenuSection = { heading: string; links: MenuLink[] };

/** Builds the menu: the pages that the signed-in person may open in this environment. */
export async function menuOf(req: Request): Promise<MenuSection[]> {
  if (!req.account) return [];
  const counts = await rowCounts(req);
  const entityLink = ({ name, icon, label }: Entity) => ({
    href: `/catalog/${name}`,
    icon,
    text: label.many,
    count: counts.get(name) ?? null,
    isCurrent: pathOf(req).split('/')[2] === name,
  });
  const link = (href: string, icon: string, text: string, isShown = true) =>
    isShown ? [{ href, icon, text, count: null, isCurrent: pathOf(req).startsWith(href) }] : [];
  const hasDestination = req.here.destination !== null;
  // Only production, the last environment, orders copies (staging databases).
  const isOrdering = req.house.rules.next === null;
  return [
    { heading: 'Metadata', links: catalog.filter(isInMenu).map(entityLink) },
    {
      heading: 'Promotion',
      links: [
        link('/pending', 'hourglass', 'Pending', hasDestination),
        link('/comparison', 'columns-2', 'Compare', hasDestination),
        link('/selections', 'list-checks', 'Selections', can(req, 'transfer')),
        link('/transfers', 'arrow-right-left', 'Transfers'),
        link('/arrivals', 'inbox', 'Arrived'),
        link('/changes', 'clock', 'What changed'),
        link('/restores', 'undo-2', 'Restore from production', can(req, 'restore')),
        link('/name-mappings', 'replace', 'Name mappings'),
        link('/refreshes', 'arrow-down-to-line', 'Refresh', can(req, 'refresh')),
        link('/jobs', 'cog', 'Jobs'),
        link('/audit', 'history', 'Audit history'),
      ].flat(),
    },
    {
      heading: 'Data',
      links: [
        link('/datasets', 'table', 'Datasets'),
        link('/datafiles', 'file-spreadsheet', 'Data files'),
        link('/sources', 'cloud-download', 'Sources'),
        link('/pipeline-runs', 'workflow', 'Pipeline runs'),
      ].flat(),
    },
    {
      heading: 'Accounts',
      links: link(
        '/account-moves',
        'folder-input',
        'Account migrations',
        req.house.settings.moves !== null,
      ),
    },
    {
      heading: 'This environment',
      links: [
        catalog.filter(({ isMatchedByName }) => isMatchedByName).map(entityLink),
        link('/people', 'users', 'People', can(req, 'administer')),
        link('/api-keys', 'key-round', 'API keys', can(req, 'administer')),
        link('/backups', 'archive', 'Backups', can(req, 'administer')),
        link('/databases', 'database', 'Databases', req.house.settings.copies !== null),
        link('/outbox', 'send', 'Notifications'),
        link('/api-docs', 'book-open', 'API for apps'),
      ].flat(),
    },
    ...(isOrdering ? [stagingSection(req, link)] : []),
  ].filter(({ links }) => links.length > 0);
}

const stagingSection = (
  req: Request,
  link: (href: string, icon: string, text: string, isShown?: boolean) => MenuLink[],
): MenuSection => ({
  heading: 'Administration / Staging',
  links: [
    link('/staging/environments', 'server', 'Staging environments', can(req, 'administer')),
    link('/staging/jobs', 'copy-plus', 'Staging jobs', can(req, 'run-staging')),
  ].flat(),
});

const pathOf = ({ originalUrl }: Request) => originalUrl.split('?')[0] ?? '';

/**
 * Whether the menu lists an entity. Dependent rows are listed on the page of their owner. Only form
 * fields also have their own list, because there are so many of them.
 */
const isInMenu = ({ name, owner, isMatchedByName }: Entity) =>
  (owner === null && !isMatchedByName) || name === 'form_field';

/** How many rows there are of each type that the menu lists, by name. */
export const rowCounts = ({ here }: Request): Promise<Map<string, number>> =>
  countEach(here, catalog.filter(isInMenu));

export type EnvironmentLink = { name: string; label: string; isHere: boolean; href: string | null };

/**
 * Returns the links to all environments. On the page of a row, each link leads to the same row in
 * that environment.
 */
export function stopsOf({ house: here, originalUrl }: Request): EnvironmentLink[] {
  const path = originalUrl.startsWith('/catalog/') ? originalUrl.split('?')[0] : '/';
  const shown = ladder.includes(here.name) ? ladder : [here.name, ...ladder];
  return shown.map((name) => ({
    name,
    label: rulesOf(name).label,
    isHere: name === here.name,
    href: here.settings.urls[name] ? `${here.settings.urls[name]}${path}` : null,
  }));
}

export type Bar = {
  kind: 'no-version' | 'opened' | 'production' | 'read-only' | 'copy';
  stagingHref: string | null;
  copy: OpenedCopy | null;
};

/** Returns the bars with messages about this environment that every page shows at the top. */
export async function barsOf(req: Request): Promise<Bar[]> {
  const { here, account } = req;
  const compatibility = await here.compatibility().catch(() => null);
  const staging = stopsOf(req).find(({ name }) => name === ladder[0]);
  const bar = (kind: Bar['kind']): Bar => ({
    kind,
    stagingHref: staging?.href ?? null,
    copy: req.copy ?? null,
  });
  const isReadOnly = !may({ permissions: ['editor', 'product_manager'] }, 'edit', here.setup);
  const bars = compatibility?.kind === 'unknown' ? [bar('no-version')] : [];
  if (req.copy) return [bar('copy'), ...bars];
  if (isOpenedForEditing(here.setup)) return [...bars, bar('opened')];
  if (!account || !isReadOnly) return bars;
  return [...bars, bar(here.rules.asksReason ? 'production' : 'read-only')];
}

const themes = ['light', 'dark', 'system'] as const;
export const isTheme = (theme: string) => themes.some((one) => one === theme);

export function themeOf(req: Request): string {
  const theme = readCookie(req, 'theme');
  return isTheme(theme) ? theme : 'system';
}

/** Returns the initials of a name: `AK` for `Asha Kumar`. */
export const initialsOf = (name: string) =>
  name
    .split(/\s+/)
    .map((part) => part[0])
    .slice(0, 2)
    .join('');
