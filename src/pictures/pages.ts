// Whole pictures: what waits, everything beside everything, and what changed.
import type { Request, Response } from 'express';
import { keyText, titleOf } from '../catalog/entity.ts';
import { entityNamed, travelling } from '../catalog/index.ts';
import type { Here } from '../environments/here.ts';
import { rung } from '../environments/ladder.ts';
import type { Stop } from '../environments/place.ts';
import * as journal from '../journal/journal.ts';
import { see } from '../promotion/compare.ts';
import { unreachable } from '../promotion/sheets.ts';
import { differingFields } from '../promotion/differing.ts';
import { statuses, type Status } from '../promotion/status.ts';
import { NotFound } from '../problems.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import { changesSince } from './changes.ts';
import * as comparison from './comparison.ts';
import { matrix, rowsWith } from './matrix.ts';
import { ageOf, ages, allWaiting, groups, type WaitingRow } from './waiting.ts';

/** How many rows a page lists at the most. */
const LISTED = 200;

function destinationOf({ name, destination }: Here): Stop {
  if (!destination) throw new NotFound(`Nothing is transferred out of ${rung(name).inText}.`);
  return destination;
}

export async function waiting(req: Request, res: Response) {
  const there = rung(destinationOf(req.here).name);
  const all = await allWaiting(req.here.sql);
  const filter = { entity: textIn(req.query, 'entity'), person: textIn(req.query, 'person') };
  const shown = all.filter(
    ({ key, people }) =>
      (filter.entity === '' || key.entity === filter.entity) &&
      (filter.person === '' || people.includes(filter.person)),
  );
  await page(req, res, 'pictures/waiting', {
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

/** Of each entity, how many wait for a click, by age. */
function countsByAge(rows: WaitingRow[]) {
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

export async function showComparison(req: Request, res: Response) {
  const there = destinationOf(req.here);
  const entity = textIn(req.query, 'entity');
  const status = statuses.find((one) => one === textIn(req.query, 'status'));
  const counts = await matrix(req.here.sql);
  const found = [...counts.values()].flatMap((own) => [...own.keys()]);
  await page(req, res, 'pictures/comparison', {
    title: `Compare with ${rung(there.name).inText}`,
    crumbs: [{ text: `Compare with ${rung(there.name).inText}` }],
    there: rung(there.name),
    runs: await comparison.lastRuns(req.here.sql),
    counts,
    entities: travelling,
    columns: statuses.filter((one) => found.includes(one)),
    entity,
    status,
    differing: status && entity ? await differing(req, there, entity, status) : null,
    keyText,
  });
}

/** Rows of one field of the matrix, looked at once more, each with what differs. */
async function differing(req: Request, there: Stop, name: string, status: Status) {
  const entity = entityNamed(name);
  const after = numberOrNull(req.query['after']) ?? 0;
  const limit = 50;
  const ids = await rowsWith(req.here.sql, { entity: entity.name, status }, { after, limit });
  const keys = ids.map((id) => ({ entity: entity.name, id }));
  const sights = await see(req.here, there, keys).catch((error: unknown) => {
    throw unreachable(error, there);
  });
  const rows = keys.flatMap((key) => {
    const sight = sights.get(keyText(key));
    if (!sight?.status) return [];
    const fields = differingFields(sight);
    const row = sight.here ?? sight.there;
    const title = row ? titleOf(entity, row) : `${entity.label.one} ${key.id}`;
    return [{ key, title, status: sight.status, isHere: sight.here !== null, fields }];
  });
  return { rows, next: ids.length === limit ? ids.at(-1) : null };
}

/** Compares everything anew, as a job; the page shows how far it is. */
export async function compare(req: Request, res: Response) {
  destinationOf(req.here);
  const { job, isNew } = await comparison.askFor(req.here, accountOf(req).email, {
    isAnew: textIn(req.body, 'anew') === 'yes',
  });
  if (isNew) await req.line.push(job);
  else flash(req, 'A comparison is under way already.');
  res.redirect(303, '/comparison');
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
    ...{ arrival, fields, more, entity: entityNamed(arrival.entity) },
    transfer: transfers.get(arrival.transfer),
    tested: tested.get(`${arrival.transfer} ${arrival.entity}:${arrival.row_id}`) ?? null,
  }));
  const where = rung(of.name);
  await page(req, res, 'pictures/changes', {
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
