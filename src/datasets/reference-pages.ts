// The page that compares the cities or partners of this environment with the names in a dataset.
import type { Request, Response } from 'express';
import { v4 as uuid, validate as isUuid } from 'uuid';
import { entityNamed } from '../catalog/index.ts';
import { Invalid, type FieldErrors } from '../problems.ts';
import { plural } from '../web/format.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { authorOf, can } from '../web/request.ts';
import { addressedDataset, crumbOf, home } from './dataset-pages.ts';
import { fullName, type Dataset } from './datasets.ts';
import { addNames, review } from './references.ts';

/**
 * The page shows at most this many names in each list, and a person can add at most this many at
 * once.
 */
const SHOWN = 500;

export async function show(req: Request, res: Response) {
  await reviewPage(req, res, await addressedDataset(req), {});
}

async function reviewPage(req: Request, res: Response, dataset: Dataset, errors: FieldErrors) {
  const { missing, spelled, unknown, equal } = await review(req.here, dataset);
  const { label } = entityNamed(dataset.feeds ?? '');
  await page(req, res, 'datasets/references', {
    title: `${label.many} in ${fullName(dataset)}`,
    crumbs: [home, crumbOf(dataset), { text: label.many }],
    dataset: { ...dataset, fullName: fullName(dataset) },
    label,
    missing: missing.slice(0, SHOWN),
    spelled: spelled.slice(0, SHOWN),
    unknown: unknown.slice(0, SHOWN),
    counts: {
      missing: missing.length,
      spelled: spelled.length,
      unknown: unknown.length,
      equal,
    },
    key: uuid(),
    mayAdd: can(req, 'edit'),
    errors,
  });
}

/** Adds the chosen names as cities or partners of this environment. */
export async function add(req: Request, res: Response) {
  const dataset = await addressedDataset(req);
  const addPosted = async () => {
    const names = req.form.texts('names').slice(0, SHOWN);
    if (names.length === 0) throw new Invalid({ names: 'Tick the names that are added' });
    const { missing } = await review(req.here, dataset);
    const still = names.filter((name) => missing.includes(name));
    const given = req.form.text('idempotency_key');
    const entity = dataset.feeds ?? '';
    const { added, refused } = await addNames(req.here, authorOf(req), {
      entity,
      names: still,
      key: isUuid(given) ? given : uuid(),
    });
    const { label } = entityNamed(entity);
    const left = names.length - added.length - refused.length;
    flash(
      req,
      [
        `${plural(added.length, label)} added.`,
        left > 0 ? `${left} were here already.` : '',
        ...refused.slice(0, 3).map(({ name, reason }) => `“${name}” was not added: ${reason}`),
      ]
        .filter(Boolean)
        .join(' '),
    );
    res.redirect(303, `/datasets/${dataset.id}/references`);
  };
  await orShowErrors(res, addPosted, (errors) => reviewPage(req, res, dataset, errors));
}
