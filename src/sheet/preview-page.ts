// The preview of a row on its transfer sheet: as it is at the destination now, and as it will be after the transfer.
import type { Request, Response } from 'express';
import { keyText, type Row, type RowKey } from '../catalog/entity.ts';
import { askFarSide } from '../environments/far-side.ts';
import { NotFound } from '../problems.ts';
import { previewPage } from '../preview/pages.ts';
import { previewedKey, previewOf } from '../preview/preview.ts';
import { afterSteps, storedIn } from '../preview/side.ts';
import type { Objects } from '../storage/objects.ts';
import { lowerFirst } from '../web/format.ts';
import { addressed } from '../web/request.ts';
import type { Plan } from './plan.ts';
import { farSideOf, routeOf, type Route } from './route.ts';
import * as selections from './selections.ts';
import type { SelectionKind } from './selections.ts';
import { sheetKinds } from './sheet-kinds.ts';
import { prepareSheet } from './sheet.ts';

export const showSheetPreview = (kind: SelectionKind) => async (req: Request, res: Response) => {
  const { entity, id } = addressed(req);
  const route = routeOf(req, kind);
  const selection = await selections.find(req.here.sql, String(req.params['selection']), kind);
  const { plan } = await prepareSheet(route, selection);
  const row = rowOf(plan, { entity: entity.name, id });
  const key = row && previewedKey(entity, row);
  const sides = key && (await sidesOf(route, plan, key, req.here.storage));
  if (!sides?.now && !sides?.after) {
    throw new NotFound(`This sheet has no preview of ${lowerFirst(entity.label.one)} ${id}.`);
  }
  const { inText, label } = route.to.rules;
  const columns = [
    { heading: `${label} now`, shown: sides.now, absent: `It is not in ${inText} yet.` },
    { heading: 'After', shown: sides.after, absent: `It is not in ${inText} any more.` },
  ];
  await previewPage(req, res, columns, [
    { text: 'Transfers', href: '/transfers' },
    { text: 'Review', href: `${sheetKinds[kind].path}/${selection.id}` },
  ]);
};

function rowOf({ steps }: Plan, key: RowKey): Row | null {
  const step = steps.find((one) => keyText(one) === keyText(key));
  return step?.after ?? step?.before ?? null;
}

/** Returns the preview of a row at the destination, before and after the transfer. */
function sidesOf(route: Route, { steps }: Plan, key: RowKey, images: Objects) {
  const stored = storedIn(route.to);
  return askFarSide(farSideOf(route), async () => ({
    now: await previewOf(stored, key, images),
    after: await previewOf(afterSteps(stored, steps), key, images),
  }));
}
