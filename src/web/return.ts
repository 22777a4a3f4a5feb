// The list that a person came from, with its filters. Pages that were opened from a list pass its URL on in the
// parameter `return`, so that saving, closing, discarding and deleting lead back to the same list.
import type { Request } from 'express';
import { localPath, textIn } from './request.ts';

/** Returns the URL of the list (on this server) to go back to; empty if the page was not opened from a list. */
export const returnOf = (req: Request): string =>
  localPath(req.form.text('return') || textIn(req.query, 'return'), '');

/** Adds the URL to go back to, if there is one, to the URL of another page. */
export const withReturn = (href: string, back: string): string =>
  back === '' ? href : `${href}${href.includes('?') ? '&' : '?'}return=${encodeURIComponent(back)}`;

/**
 * Returns the breadcrumbs of a page with the way back to the list that a person came from. The link to this list gets
 * its filters, and links to other pages above get the parameter `return`.
 */
export const crumbsBack = <T extends { href?: string }>(crumbs: T[], path: string, back: string) =>
  crumbs.map((crumb): T => {
    const { href } = crumb;
    if (href === undefined || back === '') return crumb;
    if (href === back.split('?')[0]) return { ...crumb, href: back };
    return path.startsWith(`${href}/`) ? { ...crumb, href: withReturn(href, back) } : crumb;
  });
