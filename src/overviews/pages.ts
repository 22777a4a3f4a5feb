// Overviews: pending rows and recent changes.
import type { Request, Response } from 'express';
import { keyText } from '../catalog/entity.ts';
import { entityNamed, travelling } from '../catalog/index.ts';
import { rulesOf } from '../environments/rules.ts';
import * as journal from '../writing/journal.ts';
import { page } from '../web/pages.ts';
import { numberOrNull, textIn } from '../web/request.ts';
import { changesSince } from './changes.ts';
import { ageOf, ages, allPending, groups, type PendingEntry } from './pending.ts';
import { unreachable } from '../environments/unreachable.ts';
import { destinationOf } from '../environments/app.ts';

/** Rows per page. */
const LISTED = 200;

export async function pending(req: Request, res: Response) {
  const there = rulesOf(destinationOf(req.here).name);
  const all = await allPending(req.here.sql);
  const filter = { entity: textIn(req.query, 'entity'), person: textIn(req.query, 'person') };
  const shown = all.filter(
    ({ key, people }) =>
      (filter.entity === '' || key.entity === filter.entity) &&
      (filter.person === '' || people.includes(filter.person)),
  );
  await page(req, res, 'overviews/pending', {
    title: `Waiting for ${there.inText}`,
    crumbs: [{ text: `Waiting for ${there.inText}` }],
    there,
    filter,
    ages,
    counts: countsByAge(all),
    people: [...new Set(all.flatMap((row) => row.people))].toSorted(),
    entities: travelling.filter(({ owner }) => owner === null),
    groups: groups.map((group) => {
      const rows = shown.filter((row) => row.group === group);
      return { group, total: rows.length, rows: rows.slice(0, LISTED) };
    }),
    ageOf,
    keyText,
  });
}

/** Rows of each entity that are ready to send, by age. */
function countsByAge(rows: PendingEntry[]) {
  return travelling
    .filter(({ owner }) => owner === null)
    .map((entity) => {
      const own = rows.filter(({ key, group }) => key.entity === entity.name && group === 'ready');
      return {
        entity,
        byAge: ages.map((age) => own.filter((row) => ageOf(row.since) === age).length),
      };
    });
}

export async function changes(req: Request, res: Response) {
  const { here } = req;
  const of = here.destination ?? here;
  const hours = Math.min(numberOrNull(req.query['hours']) ?? 24, 24 * 31);
  const before = numberOrNull(req.query['before']);
  const asked = { hours, before, limit: LISTED };
  const { changes: found, next } = await changesSince(of.sql, asked).catch((error: unknown) => {
    throw unreachable(error, of);
  });
  const own = here.destination ? [...new Set(found.map((one) => one.arrival.transfer))] : [];
  const transfers = await journal.byIds(here.sql, own);
  const tested = await journal.testedIn(here.sql, own);
  const list = found.map(({ arrival, fields, more }) => ({
    arrival,
    fields,
    more,
    entity: entityNamed(arrival.entity),
    transfer: transfers.get(arrival.transfer),
    tested: tested.get(`${arrival.transfer} ${arrival.entity}:${arrival.row_id}`) ?? null,
  }));
  const where = of.rules;
  await page(req, res, 'overviews/changes', {
    title: `What changed in ${where.inText}?`,
    crumbs: [{ text: `What changed in ${where.inText}?` }],
    where,
    hours,
    list,
    next,
    url: here.settings.urls[of.name] ?? '',
    keyText,
  });
}
