// Small request handlers without a folder of their own: preferences, images, health, version.
import type { Request, Response } from 'express';
import { readImage } from '../storage/images.ts';
import { NotFound, Unavailable } from '../problems.ts';
import { readVersion } from '../version/metadata.ts';
import { setCookie } from './cookies.ts';
import { localPath } from './request.ts';
import { isTheme } from './shell.ts';

export function setTheme(req: Request, res: Response) {
  const theme = req.form.text('theme');
  if (isTheme(theme)) {
    setCookie(req, res, 'theme', theme, 365 * 24);
  }
  res.redirect(303, localPath(req.form.text('return'), '/'));
}

/**
 * Sends an icon or image. Browsers may cache the response forever, because the name of an image is
 * the hash of its content.
 */
export async function object(req: Request, res: Response) {
  const name = String(req.params['name']);
  const content = await readImage(req.here.storage, name);
  const ending = name.split('.').at(-1) ?? '';
  res.set('Cache-Control', 'private, max-age=31536000, immutable');
  res.type(ending).send(content);
}

export const healthcheck = (_req: Request, res: Response) => res.json({ status: 'OK' });

/**
 * Sends the version of the database, and whether the database is being updated to another version. Anyone may read
 * this, without signing in.
 */
export async function metadata(req: Request, res: Response) {
  const version = await readVersion(req.here.documents);
  if (!version) {
    throw new Unavailable('The document metadata/metadata is missing. Run "oneway db migrate".');
  }
  res.json({ databaseVersion: version.databaseVersion, isUpdating: version.isUpdating });
}

/** The names of the former admin tools, each with the page that replaced the tool. */
const formerTools = new Map([
  ['business_admin', '/catalog/business'],
  ['business_task', '/catalog/task'],
  ['business_sts', '/catalog/sts'],
  ['add_form', '/catalog/form'],
  ['app_banner', '/catalog/banner'],
]);

export function formerTool(req: Request, res: Response) {
  const path = formerTools.get(String(req.params['tool']));
  if (!path) throw new NotFound(`There is no admin tool at ${req.path}.`);
  const business = String(req.params['business'] ?? '');
  res.redirect(303, business === '' ? path : `${path}?business=${encodeURIComponent(business)}`);
}
