// Sends the suggestions that a picker (an input with suggestions) shows while a person types.
import type { Request, Response } from 'express';
import { fieldEntries, keyText, titleOf, type Entity, type Row } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { pickerText } from '../catalog/shown-text.ts';
import { cachedFor } from '../database/cached-for.ts';
import { find } from '../rows/store.ts';
import { pendingRows } from '../state/pending.ts';
import { titlesOf } from '../state/untouched.ts';
import { textIn } from '../web/request.ts';
import { referredBy } from './titles.ts';

/** How many rows a picker offers at once. */
const MOST = 20;

/**
 * Sends the rows that match what was typed: `text` is what the picker shows for a row, `title` its
 * name alone, and `context` tells rows of the same name apart.
 */
export async function options(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const { rows } = await find(req.here, entity, {
    search: textIn(req.query, 'q').slice(0, 200).replace(/#\d+$/, '').trim(),
    filters: {},
    sort: { field: entity.title, descending: false },
    limit: MOST,
    offset: 0,
  });
  const titles = await titlesOf(
    req.here,
    rows.flatMap((row) => referredBy(entity, row)),
  );
  const statuses = await statusesIn(req, entity);
  res.json({
    options: rows.map((row) => ({
      text: pickerText(titleOf(entity, row), row.id),
      title: titleOf(entity, row),
      context: [
        `ID ${row.id}`,
        ...distinguishing(entity, row, titles),
        ...(statuses.get(row.id) ?? []),
      ].join(' · '),
    })),
  });
}

/**
 * Returns texts that tell rows of the same name apart: the title of the row that this row is listed below, such as the
 * business of a task, and short texts, such as a country.
 */
const distinguishing = (entity: Entity, row: Row, titles: Map<string, string>): string[] =>
  fieldEntries(entity).flatMap(([name, { under, to, list, kind }]) => {
    const value = row[name];
    if (under && to) return titles.get(keyText({ entity: to, id: Number(value) })) ?? [];
    return list && kind === 'text' && textOf(value) !== '' ? textOf(value) : [];
  });

/** The statuses of rows with pending changes, cached while a person types. */
async function statusesIn({ here }: Request, entity: Entity): Promise<Map<number, string[]>> {
  if (!here.destination || entity.isMatchedByName) return new Map();
  const pending = await cachedFor(here.sql, `options ${entity.name}`, () =>
    pendingRows(here.sql, entity),
  );
  return new Map([...pending].map(([id, { status }]) => [id, [status]]));
}
