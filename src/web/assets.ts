// Serves stylesheet, scripts and fonts. Their address contains a hash of all of them, so browsers may keep them for a
// year, and fetch new ones as soon as one has changed.
import { hash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Router, static as serve, type Request, type Response } from 'express';

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
  'preview',
  'moves',
  'home',
  'forced-colors',
];

const root = new URL('../../', import.meta.url);
const scripts = fileURLToPath(new URL('public', root));
const fonts = fileURLToPath(new URL('node_modules/@fontsource-variable/inter/files', root));

const css = parts
  .map((part) => readFileSync(new URL(`public/styles/${part}.css`, root), 'utf8'))
  .join('\n');

const version = hash(
  'sha256',
  [
    css,
    ...globSync(['*.js', '*.svg'], { cwd: scripts })
      .toSorted()
      .map((file) => readFileSync(`${scripts}/${file}`, 'utf8')),
    // The URL of a font contains no hash of that font. So the version of the font package goes into the common hash,
    // and a new version changes all URLs.
    readFileSync(`${fonts}/../package.json`, 'utf8'),
  ].join('\n'),
).slice(0, 12);

/** The address of a file of `public`, or of the stylesheet `oneway.css`. */
export const asset = (file: string): string => `/assets/${version}/${file}`;

const YEAR = 365 * 24 * 60 * 60;

/**
 * A page of a former version requests files under the former hash. It gets the present files, which the browser must
 * not cache under that URL.
 */
const cacheControl = (of: unknown) =>
  of === version ? `public, max-age=${YEAR}, immutable` : 'no-cache';

/** Serves the files below `/assets`. */
export function assets(): Router {
  const router = Router();
  router.use('/:version', (req, res, next) => {
    res.set('Cache-Control', cacheControl(req.params.version));
    next();
  });
  router.get('/:version/oneway.css', (_req: Request, res: Response) => {
    res.type('css').send(css);
  });
  const options = { index: false, cacheControl: false } as const;
  router.use('/:version/fonts', serve(fonts, options));
  router.use('/:version', serve(scripts, options));
  return router;
}
