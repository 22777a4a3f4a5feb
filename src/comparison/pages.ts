// Handlers of the page that compares all rows here with the destination.
import type { Request, Response } from 'express';
import { keyText, titleOf, type Entity } from '../catalog/entity.ts';
import { entityNamed, travelling } from '../catalog/index.ts';
import type { Environment } from '../environments/environment.ts';
import { takeOverText } from '../environments/rules.ts';
import { isLive, type Listed } from '../jobs/jobs.ts';
import { jobView } from '../jobs/view.ts';
import { referencedTitles } from '../web/referenced-titles.ts';
import { comparePairs } from './compare-pairs.ts';
import { fieldDiff } from './field-diff.ts';
import { settleAll } from '../settle-all.ts';
import { overwrites, statuses, type Status } from '../state/status.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, can, numberOrNull, textIn } from '../web/request.ts';
import * as comparison from './job.ts';
import { matrix, idsInMatrix } from './matrix.ts';
import { tryFarSide } from '../environments/far-side.ts';
import { destinationOf } from '../environments/app.ts';

type OfferedSelections = (req: Request) => Promise<{ id: string; name: string }[]>;

/** Shows the comparison. `offeredSelections` reads the selections that the menu *Add to…* offers. */
export const showComparison =
  (offeredSelections: OfferedSelections) =>
  async (req: Request, res: Response): Promise<void> => {
    const there = destinationOf(req.here);
    const asked = {
      entity: textIn(req.query, 'entity'),
      status: statuses.find((one) => one === textIn(req.query, 'status')) ?? null,
    };
    const [counts, { newest, whole }, openSelections] = await settleAll([
      matrix(req.here.sql),
      comparison.latestComparisons(req.here.sql),
      offeredSelections(req),
    ]);
    const found = new Set([...counts.values()].flatMap((own) => [...own.keys()]));
    const columns = statuses.filter((one) => found.has(one));
    const title = `Compare with ${there.rules.inText}`;
    await page(req, res, 'comparison/page', {
      title,
      crumbs: [{ text: title }],
      whole: whole ?? null,
      running: newest && isLive(newest) ? jobView(newest) : null,
      lastProblem: newest ? problemOf(newest) : null,
      columns,
      rows: matrixRows(counts, columns, asked),
      openSelections,
      differing:
        asked.status && asked.entity
          ? await differing(req, there, entityNamed(asked.entity), asked.status)
          : null,
    });
  };

/**
 * Returns why the last comparison is incomplete, as the end of a sentence; null if it is complete.
 */
function problemOf({ state, problem }: Listed): string | null {
  if (state === 'cancelled') return 'was cancelled';
  return state === 'failed' ? `ended early: ${problem}` : null;
}

type Asked = { entity: string; status: Status | null };

const matrixRows = (counts: Awaited<ReturnType<typeof matrix>>, columns: Status[], asked: Asked) =>
  travelling.flatMap((entity) => {
    const own = counts.get(entity.name);
    if (!own) return [];
    const all = [...own.values()].reduce((sum, number) => sum + number, 0);
    const cells = columns.map((status) => ({
      status,
      number: own.get(status) ?? 0,
      href: status === 'In sync' ? null : `${addressOf(entity.name, status)}#rows`,
      isCurrent: entity.name === asked.entity && status === asked.status,
    }));
    return [{ entity, cells, all }];
  });

const addressOf = (entity: string, status: Status) =>
  `/comparison?entity=${entity}&status=${encodeURIComponent(status)}`;

/**
 * Returns the rows that one cell of the matrix counts (an entity and a status), compared now, each
 * with the fields that differ.
 */
async function differing(req: Request, there: Environment, entity: Entity, status: Status) {
  const { here } = req;
  const after = numberOrNull(req.query['after']) ?? 0;
  const limit = 50;
  const ids = await idsInMatrix(here.sql, { entity: entity.name, status }, { after, limit });
  const keys = ids.map((id) => ({ entity: entity.name, id }));
  const { answer: pairs, trouble } = await tryFarSide(there, here.log, () =>
    comparePairs(here, there, keys),
  );
  const rows = keys.flatMap((key) => {
    const pair = pairs?.get(keyText(key));
    if (!pair?.status) return [];
    const fields = fieldDiff(pair);
    const row = pair.here ?? pair.there;
    const title = row ? titleOf(entity, row) : `${entity.label.one} ${key.id}`;
    return [{ key, title, status: pair.status, isHere: pair.here !== null, fields }];
  });
  const offersTransfer = can(req, 'transfer') && status !== 'Only there';
  const mayTakeOver = can(req, 'take-over') && overwrites(status);
  const last = ids.length === limit ? ids.at(-1) : undefined;
  return {
    entity,
    status,
    trouble,
    rows,
    titles: await referencedTitles(
      here,
      rows.flatMap(({ fields }) => fields),
    ),
    offersTransfer,
    takeOver: mayTakeOver ? takeOverText(there.rules) : null,
    offersTicks: offersTransfer || mayTakeOver,
    columns: [
      { side: 'here', label: here.rules.label },
      { side: 'there', label: there.rules.label },
    ],
    nextHref: last ? `${addressOf(entity.name, status)}&after=${last}#rows` : null,
  };
}

/** Requests the comparison job. The page then shows the progress of the job. */
export async function compare(req: Request, res: Response) {
  destinationOf(req.here);
  const { job, isNew } = await comparison.requestComparison(req.here, accountOf(req).email, {
    isFull: req.form.text('full') === 'yes',
  });
  if (isNew) await req.line.push(job);
  else flash(req, 'A comparison is already running.');
  res.redirect(303, '/comparison');
}
