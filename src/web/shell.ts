// Builds the parts around every page except the menu: the links to the other environments, and bars with warnings about
// what is not possible right now.
import type { Request } from 'express';
import { isOpenedForEditing, may } from '../access/permissions.ts';
import { ladder, rulesOf } from '../environments/rules.ts';
import { readCookie } from './cookies.ts';
import type { OpenedCopy } from './request.ts';

type EnvironmentLink = { name: string; label: string; isHere: boolean; href: string | null };

/**
 * Returns the links to all environments. On the page of a row, each link leads to the same row in
 * that environment.
 */
function stopsOf({ house: here, originalUrl }: Request): EnvironmentLink[] {
  const path = originalUrl.startsWith('/catalog/') ? originalUrl.split('?')[0] : '/';
  const shown = ladder.includes(here.name) ? ladder : [here.name, ...ladder];
  return shown.map((name) => ({
    name,
    label: rulesOf(name).label,
    isHere: name === here.name,
    href: here.settings.urls[name] ? `${here.settings.urls[name]}${path}` : null,
  }));
}

/**
 * Returns the links between environments in the header: all of them (`shown`), and for phones those to other
 * environments (`others`).
 */
export function switchOf(req: Request) {
  const shown = stopsOf(req).filter(({ isHere, href }) => isHere || href !== null);
  const others = shown.filter(({ isHere }) => !isHere);
  return { shown, others, here: shown.find(({ isHere }) => isHere) };
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
