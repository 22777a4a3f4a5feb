// The preview of a row on its own page. Other pages, such as a transfer sheet, load this page into a row when a person
// opens the preview of that row.
import type { Request, Response } from 'express';
import { titleOf } from '../catalog/entity.ts';
import { NotFound } from '../problems.ts';
import { readOne } from '../rows/store.ts';
import { lowerFirst } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { addressed } from '../web/request.ts';
import { previewedKey, previewOf, type TitledPreview } from './preview.ts';
import { storedIn } from './side.ts';

/**
 * One of the columns in which a page shows previews beside each other. `shown`: the preview; null if there is no such
 * row. `absent`: the text that stands in place of a missing preview.
 */
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

/** Shows one preview on a page, or two beside each other, such as a row before and after a transfer. */
export async function previewPage(req: Request, res: Response, columns: Column[], crumbs: Crumb[]) {
  const named = columns.flatMap(({ shown }) => shown?.title ?? [])[0] ?? '';
  await page(req, res, 'preview/page', {
    title: `Preview of ${lowerFirst(named)}`,
    crumbs: [...crumbs, { text: 'Preview' }],
    columns,
  });
}
