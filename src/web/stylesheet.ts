// Serves the stylesheet: joins the CSS files in public/styles into one response.
import { readFileSync } from 'node:fs';
import type { Request, Response } from 'express';

/** The CSS files in the order in which they are joined. Later files may override earlier ones. */
const parts = [
  'tokens',
  'elements',
  'shell',
  'card',
  'list',
  'note',
  'form',
  'row',
  'sheet',
  'diff',
  'moves',
  'forced-colors',
];

const read = (part: string) =>
  readFileSync(new URL(`../../public/styles/${part}.css`, import.meta.url), 'utf8');

let joined: string | undefined;

export function stylesheet(_req: Request, res: Response) {
  joined ??= parts.map(read).join('\n');
  res.set('Cache-Control', 'public, max-age=3600').type('css').send(joined);
}
