import type { Request, Response } from 'express';
import { matchedByName, matchedByNameLabel } from '../catalog/index.ts';
import { Invalid } from '../problems.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, localPath } from '../web/request.ts';
import { listMappings } from '../state/name-mapping.ts';
import * as nameMapping from './name-mapping.ts';

export async function names(req: Request, res: Response) {
  await page(req, res, 'transfers/name-mappings', {
    title: 'Name mappings',
    crumbs: [{ text: 'Name mappings' }],
    kinds: matchedByName,
    kindsLabel: matchedByNameLabel,
    mappings: await listMappings(req.here.sql),
  });
}

export async function mapName(req: Request, res: Response) {
  const kind = matchedByName.find(({ name }) => name === req.form.text('entity'));
  const name = req.form.text('name').normalize('NFC').slice(0, 100);
  const there = req.form.text('there').normalize('NFC').slice(0, 100);
  if (!kind || name === '') throw new Invalid({ name: 'Enter the name that is used here' });
  await nameMapping.mapName(req.here, accountOf(req).email, { entity: kind.name, name, there });
  flash(
    req,
    there === '' ? `The mapping of ${name} is removed.` : `${name} is mapped to ${there}.`,
  );
  res.redirect(303, localPath(req.form.text('return'), '/name-mappings'));
}
