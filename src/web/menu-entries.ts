// The pages that the menu can list, in the order of the menu. Each entry says whether the person may open the page and
// needs it often, and whether the page can have content in this environment.
import type { Request } from 'express';
import { catalog } from '../catalog/index.ts';
import type { Entity } from '../catalog/entity.ts';
import { senderTo } from '../environments/rules.ts';
import { can } from './request.ts';
import { mayRepair } from './work-counts.ts';

/** A page that the menu can list. */
export type MenuEntry = {
  href: string;
  icon: string;
  text: string;
  /** The heading under *More*. */
  section: string;
  /**
   * Whether the menu lists the page: the person may open it, and it can have content in this environment. By default
   * true.
   */
  isShown?: boolean;
  isOften?: boolean;
  /** The number beside the entry, for example of failed jobs on the page *Jobs*; null if the number is not known. */
  count?: number | null;
  /** What the number counts, for screen readers. */
  counted?: string;
};

/** The counts beside the entries of the menu; null as long as a count is not known. */
export type MenuCounts = Record<
  'ready' | 'untested' | 'approvals' | 'failedJobs' | 'failedDeliveries',
  number | null
>;

export const home: MenuEntry = { href: '/', icon: 'house', text: 'Home', section: '' };
export const help: MenuEntry = {
  href: '/help',
  icon: 'circle-question-mark',
  text: 'Help',
  section: '',
};

/** Returns the pages that the signed-in person may open and that can have content in this environment. */
export const menuEntries = (req: Request, counts: MenuCounts): MenuEntry[] =>
  [...promotion(req, counts), ...operations(req, counts), ...data(req), ...environment(req)].filter(
    ({ isShown }) => isShown !== false,
  );

function promotion(req: Request, { ready, untested, approvals }: MenuCounts): MenuEntry[] {
  const section = 'Promotion';
  const { destination } = req.here;
  const hasDestination = destination !== null;
  // The page *Transfers* lists what this server sent to its destination or restored from production. Production itself
  // has no destination and restores nothing, because it only receives rows.
  const isSending = hasDestination || req.here.source !== null;
  const isReceiving = senderTo(req.here.name) !== undefined;
  return [
    {
      href: '/pending?group=ready',
      icon: 'send',
      text: 'Ready to transfer',
      section,
      isShown: hasDestination,
      isOften: true,
      count: ready,
      counted: 'rows',
    },
    {
      href: '/arrivals',
      icon: 'inbox',
      text: 'Arrived',
      section,
      isShown: isReceiving,
      isOften: true,
      count: untested,
      counted: 'rows not tested',
    },
    {
      href: '/selections',
      icon: 'list-checks',
      text: 'Selections',
      section,
      isShown: can(req, 'transfer'),
      isOften: true,
    },
    {
      href: '/approvals',
      icon: 'users',
      text: 'Approvals',
      section,
      isShown: req.here.settings.requireApproval && can(req, 'transfer'),
      isOften: true,
      count: approvals,
      counted: 'waiting for you',
    },
    {
      href: '/transfers',
      icon: 'arrow-right-left',
      text: 'Transfers',
      section,
      isShown: isSending,
      isOften: can(req, 'undo'),
    },
    {
      href: '/changes',
      icon: 'clock',
      text: `Changes in ${changesPlace(req)}`,
      section,
      isOften: true,
    },
    {
      href: '/comparison',
      icon: 'columns-2',
      text: 'Compare',
      section,
      isShown: hasDestination,
    },
    {
      href: '/restores',
      icon: 'undo-2',
      text: 'Restore from production',
      section,
      isShown: can(req, 'restore'),
    },
    {
      href: '/name-mappings',
      icon: 'replace',
      text: 'Name mappings',
      section,
      isShown: hasDestination,
    },
    {
      href: '/refreshes',
      icon: 'arrow-down-to-line',
      text: 'Refresh',
      section,
      isShown: can(req, 'refresh'),
    },
  ];
}

function operations(req: Request, { failedJobs, failedDeliveries }: MenuCounts): MenuEntry[] {
  const section = 'Operations';
  const repairs = mayRepair(req);
  return [
    {
      href: '/jobs',
      icon: 'cog',
      text: 'Jobs',
      section,
      isOften: repairs,
      count: failedJobs,
      counted: 'failed',
    },
    {
      href: '/outbox',
      icon: 'megaphone',
      text: 'Notifications',
      section,
      isOften: repairs,
      count: failedDeliveries,
      counted: 'given up',
    },
    { href: '/audit', icon: 'history', text: 'Audit history', section },
    {
      href: '/backups',
      icon: 'archive',
      text: 'Backups',
      section,
      isShown: can(req, 'administer'),
    },
  ];
}

function data(req: Request): MenuEntry[] {
  const section = 'Data';
  const isOften = can(req, 'manage-data');
  return [
    { href: '/datasets', icon: 'table', text: 'Datasets', section, isOften },
    { href: '/datafiles', icon: 'file-spreadsheet', text: 'Data files', section, isOften },
    { href: '/sources', icon: 'cloud-download', text: 'Sources', section },
    { href: '/pipeline-runs', icon: 'workflow', text: 'Pipeline runs', section },
    {
      href: '/account-moves',
      icon: 'folder-input',
      text: 'Account migrations',
      section,
      isShown: req.house.settings.moves !== null,
      isOften: can(req, 'move-accounts'),
    },
  ];
}

function environment(req: Request): MenuEntry[] {
  const section = 'This environment';
  const administers = can(req, 'administer');
  // Only production, the last environment, orders staging databases.
  const isOrdering = req.house.rules.next === null;
  return [
    ...catalog.filter(({ isMatchedByName }) => isMatchedByName).map(entryOf),
    {
      href: '/people',
      icon: 'users',
      text: 'People',
      section,
      isShown: administers,
      isOften: administers,
    },
    { href: '/api-keys', icon: 'key-round', text: 'API keys', section, isShown: administers },
    {
      href: '/databases',
      icon: 'database',
      text: 'Databases',
      section,
      isShown: req.house.settings.copies !== null,
    },
    {
      href: '/staging/environments',
      icon: 'server',
      text: 'Staging environments',
      section,
      isShown: isOrdering && administers,
    },
    {
      href: '/staging/jobs',
      icon: 'copy-plus',
      text: 'Staging jobs',
      section,
      isShown: isOrdering && can(req, 'run-staging'),
      isOften: can(req, 'run-staging'),
    },
    { href: '/api-docs', icon: 'book-open', text: 'API for apps', section },
  ];
}

export const entryOf = ({ name, icon, label }: Entity): MenuEntry => ({
  href: `/catalog/${name}`,
  icon,
  text: label.many,
  section: 'This environment',
});

/** The environment whose changes the page Changes lists. The name of a staging database would be too long for the menu. */
const changesPlace = ({ here }: Request): string =>
  here.destination?.rules.inText ?? (here.name === 'copy' ? 'this copy' : here.rules.inText);
