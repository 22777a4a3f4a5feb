// Shows what a deletion would remove, and deletes rows.
import type { Request, Response } from 'express';
import { titleOf, type Entity, type Row } from '../catalog/entity.ts';
import { deletion, remove as removeRow } from '../editing/deletions.ts';
import { flash, page } from '../web/pages.ts';
import { addressed, authorOf } from '../web/request.ts';
import { lowerFirst, plural } from '../web/format.ts';
import { returnOf, withReturn } from '../web/return.ts';
import { writesOf } from './write-pages.ts';

export async function showDeletion(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const found = await deletion(req.here, entity, id);
  const title = titleOf(entity, found.row);
  await page(req, res, 'catalog-pages/deletion', {
    title: `Delete ${title}`,
    crumbs: [
      { text: entity.label.many, href: `/catalog/${entity.name}` },
      { text: title, href: `/catalog/${entity.name}/${id}` },
      { text: 'Delete' },
    ],
    entity,
    row: found.row,
    name: title,
    seen: found.seen,
    usedBy: found.usedBy.map(named),
    alongside: found.dependents.map(named),
    deleteLabel: deleteLabel(entity, found.dependents),
  });
}

const named = ({ entity, row }: { entity: Entity; row: Row }) => ({
  label: entity.label.one,
  title: titleOf(entity, row),
  href: `/catalog/${entity.name}/${row.id}`,
});

/** The label of the delete button: `Delete form and 4 form fields` */
function deleteLabel({ label }: Entity, dependents: { entity: Entity }[]): string {
  const [first] = dependents;
  const more = first ? ` and ${plural(dependents.length, first.entity.label)}` : '';
  return `Delete ${lowerFirst(label.one)}${more}`;
}

export async function remove(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const shown = req.form.text('seen');
  const writes = writesOf(req);
  if ((await removeRow(writes, authorOf(req), entity, id, shown)) === 'changed since') {
    flash(req, 'This row has changed. Review it again.');
    return res.redirect(303, withReturn(`/catalog/${entity.name}/${id}/deletion`, returnOf(req)));
  }
  writes.saved(`${entity.label.one} deleted here. Other environments keep it.`);
  res.redirect(303, returnOf(req) || `/catalog/${entity.name}`);
}
