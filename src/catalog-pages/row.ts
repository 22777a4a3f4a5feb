// The pages of one row: its values, its form, its history, and the row as it was after an earlier change.
import type { Request, Response } from 'express';
import { may } from '../access/permissions.ts';
import { fieldEntries, labelOf, titleOf, type Entity } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { NotFound } from '../problems.ts';
import { readOne } from '../rows/store.ts';
import { historyOf, rowAtMoment, type Replacement } from '../state/history.ts';
import { readStates } from '../state/row-state.ts';
import { recordedState } from '../state/untouched.ts';
import { lowerFirst } from '../web/format.ts';
import { referencedTitles } from '../web/referenced-titles.ts';
import { page } from '../web/pages.ts';
import { accountOf, addressed, numberOrNull, textIn } from '../web/request.ts';
import { returnOf, withReturn } from '../web/return.ts';
import { editPage, rowCrumbs } from './form-page.ts';
import { formerVersion } from './former-version.ts';
import { historyLine, rowContext } from './row-page.ts';

/**
 * Shows the page of a row: a form for people who may edit the row, and only the values for everyone
 * else.
 */
export async function show(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const row = await readOne(req.here, { entity: entity.name, id });
  if (!row) {
    const state = (await readStates(req.here.sql, [{ entity: entity.name, id }])).get(
      `${entity.name}:${id}`,
    );
    if (state?.deleted_at) {
      const history = `/catalog/${entity.name}/${id}/history`;
      return res.redirect(303, withReturn(history, returnOf(req)));
    }
    throw absent(req, entity, id);
  }
  if (may(accountOf(req), 'edit', req.here.setup)) {
    const version = numberOrNull(textIn(req.query, 'version'));
    const stored = { content: row, errors: {} };
    const typed = version === null ? stored : await formerVersion(req.here, entity, row, version);
    await editPage(req, res, entity, row, typed);
  } else {
    const shown = await rowContext(req, entity, row);
    await page(req, res, 'catalog-pages/show', {
      ...shown,
      title: titleOf(entity, row),
      crumbs: rowCrumbs(entity, titleOf(entity, row), row, shown.titles),
    });
  }
}

const absent = ({ here }: Request, entity: Entity, id: number) =>
  new NotFound(`There is no ${lowerFirst(entity.label.one)} ${id} in ${here.rules.inText}.`);

export async function history(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const key = { entity: entity.name, id };
  const state = await recordedState(req.here, key, await readOne(req.here, key));
  if (!state) throw absent(req, entity, id);
  const lines = (await historyOf(req.here, key, 200)).map((arrival) =>
    historyLine(req.here, arrival, entity),
  );
  await page(req, res, 'catalog-pages/history', {
    title: `History of ${state.title}`,
    crumbs: [
      { text: entity.label.many, href: `/catalog/${entity.name}` },
      { text: state.title, href: `/catalog/${entity.name}/${id}` },
      { text: 'History' },
    ],
    entity,
    state,
    lines,
    titles: await referencedTitles(
      req.here,
      lines.flatMap(({ changes }) => changes),
    ),
    columns: [
      { side: 'before', label: 'Before' },
      { side: 'after', label: 'After' },
    ],
  });
}

/** Shows a row with its dependent rows as they were after one change of its history. */
export async function moment(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const key = { entity: entity.name, id };
  const lines = await rowAtMoment(req.here, key, numberOrNull(req.params['arrival']) ?? 0);
  const [own] = lines;
  if (!own) throw new NotFound('There is no such line in this history.');
  const rows = lines.map(rowAsItWas);
  const shown = rows.flatMap(({ fields }) =>
    fields.map(({ definition, value }) => ({ definition, values: { value } })),
  );
  await page(req, res, 'catalog-pages/moment', {
    title: `${own.title} as it was`,
    crumbs: [
      { text: entity.label.many, href: `/catalog/${entity.name}` },
      { text: own.title, href: `/catalog/${entity.name}/${id}` },
      { text: 'History', href: `/catalog/${entity.name}/${id}/history` },
      { text: 'As it was' },
    ],
    versionHref: (await readOne(req.here, key))
      ? `/catalog/${entity.name}/${id}?version=${String(req.params['arrival'])}`
      : null,
    at: lines
      .map((line) => line.at)
      .toSorted()
      .at(-1),
    rows,
    titles: await referencedTitles(req.here, shown),
  });
}

function rowAsItWas(line: Replacement) {
  const entity = entityNamed(line.entity);
  const fields = fieldEntries(entity).map(([name, definition]) => ({
    label: labelOf(entity, name),
    definition,
    value: line.after?.[name],
  }));
  return { line, entity, isGone: line.after === null, fields };
}
