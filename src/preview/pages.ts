// The preview of a row on a page of its own. Other pages load it when a person opens it there.
import type { Request, Response } from 'express';
import { titleOf } from '../catalog/entity.ts';
import { NotFound } from '../problems.ts';
import { readOne } from '../rows/store.ts';
import { lowerFirst } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { addressed } from '../web/request.ts';
import { previewedKey, previewOf, type TitledPreview } from './preview.ts';
import { storedIn } from './side.ts';

/** A column of the page: the preview, or what the page says if that side does not have the row. */
type Column = { heading: string; shown: TitledPreview | null; absent: string };
type Crumb = { text: string; href: string };

export async function showStored(req: Request, res: Response) {
  const { here } = req;
  const { entity, id } = addressed(req);
  const row = await readOne(here, { entity: entity.name, id });
  const key = row && previewedKey(entity, row);
  const shown =
    key &&
    (await previewOf(storedIn(here, { key: { entity: entity.name, id }, row }), key, here.storage));
  if (!row || !shown) {
    throw new NotFound(`There is no preview of ${lowerFirst(entity.label.one)} ${id}.`);
  }
  const columns = [{ heading: `As stored in ${here.rules.inText}`, shown, absent: '' }];
  await previewPage(req, res, columns, [
    { text: entity.label.many, href: `/catalog/${entity.name}` },
    { text: titleOf(entity, row), href: `/catalog/${entity.name}/${id}` },
  ]);
}

/** Shows a preview on a page: one side of a row, or two sides beside each other. */
export async function previewPage(req: Request, res: Response, columns: Column[], crumbs: Crumb[]) {
  const named = columns.flatMap(({ shown }) => shown?.title ?? [])[0] ?? '';
  await page(req, res, 'preview/page', {
    title: `Preview of ${lowerFirst(named)}`,
    crumbs: [...crumbs, { text: 'Preview' }],
    columns,
  });
}
