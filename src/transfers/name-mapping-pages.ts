import type { Request, Response } from 'express';
import { matchedByName, matchedByNameLabel } from '../catalog/index.ts';
import { nameKey } from '../catalog/name-key.ts';
import type { Databases } from '../environments/environment.ts';
import { Invalid, type FieldErrors } from '../problems.ts';
import { storedSpellings } from '../rows/names.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, localPath } from '../web/request.ts';
import { listMappings, type Mapping } from '../state/name-mapping.ts';
import * as nameMapping from './name-mapping.ts';
import type { WantedMapping } from './name-mapping.ts';

export const names = (req: Request, res: Response) => namesPage(req, res, null);

/**
 * A name mapping that another user saved after the page was shown (`present`), and the one that the current user typed
 * (`wanted`).
 */
type Overtaken = { present: Mapping; wanted: WantedMapping; back: string };

async function namesPage(
  req: Request,
  res: Response,
  overtaken: Overtaken | null,
  errors: FieldErrors = {},
) {
  const isRefused = overtaken !== null || Object.keys(errors).length > 0;
  const typed = (name: string) => (isRefused ? req.form.text(name) : '');
  await page(req, res, 'transfers/name-mappings', {
    title: `${isRefused ? 'Error: ' : ''}Name mappings`,
    crumbs: [{ text: 'Name mappings' }],
    kinds: matchedByName,
    kindsLabel: matchedByNameLabel,
    mappings: await listMappings(req.here.sql),
    overtaken,
    errors,
    typed: { entity: typed('entity'), name: typed('name'), there: typed('there') },
  });
}

export const mapName = (req: Request, res: Response) =>
  orShowErrors(
    res,
    () => saveMapping(req, res),
    (errors) => namesPage(req, res, null, errors),
  );

async function saveMapping(req: Request, res: Response) {
  const kind = matchedByName.find(({ name }) => name === req.form.text('entity'));
  const typed = req.form.textUpTo(100, 'name', 'Name here');
  if (!kind || nameKey(typed) === '') {
    throw new Invalid({ name: 'Enter the name that is used here' });
  }
  const name = await spelledIn(req.here, kind.name, typed);
  const typedThere = req.form.textUpTo(100, 'there', 'Name there');
  // Names can be mapped even while the destination does not answer.
  const there = req.here.destination
    ? await spelledIn(req.here.destination, kind.name, typedThere).catch(() => typedThere)
    : typedThere;
  // `was` is the mapping that the page showed. A form posted without `was` may add a mapping, but not replace one.
  const was = req.form.text('was');
  const isMapped = (await listMappings(req.here.sql)).some(
    (one) => one.entity === kind.name && nameKey(one.name) === nameKey(name),
  );
  if (!isMapped && typedThere === '') {
    throw new Invalid({ there: 'Enter the name that the destination uses' });
  }
  const wanted = { entity: kind.name, name, there, was };
  try {
    await nameMapping.mapName(req.here, accountOf(req).email, wanted);
  } catch (error) {
    if (!(error instanceof nameMapping.MappedMeanwhile)) throw error;
    res.status(error.status);
    return namesPage(req, res, { present: error.mapping, wanted, back: req.form.text('return') });
  }
  flash(
    req,
    there === '' ? `The mapping of ${name} is removed.` : `${name} is mapped to ${there}.`,
  );
  res.redirect(303, localPath(req.form.text('return'), '/name-mappings'));
}

/**
 * If the environment `place` has a city or partner with this name, returns the exact spelling that it uses, because
 * mapped names are compared exactly. Otherwise returns the name unchanged.
 */
async function spelledIn(place: Databases, kind: string, name: string): Promise<string> {
  return (await storedSpellings(place.sql, kind, [name])).get(name) ?? name;
}
