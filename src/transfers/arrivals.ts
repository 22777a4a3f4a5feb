// *Arrived*: transfers that came from the previous environment, and a selection for the next.
import type { Request, Response } from 'express';
import { catalog, entityNamed } from '../catalog/index.ts';
import { rulesOf } from '../environments/rules.ts';
import { NotFound } from '../problems.ts';
import { page } from '../web/pages.ts';
import { accountOf, textIn } from '../web/request.ts';
import { arrivalsOf, arrivedTransfers, onwardTransfers, type Arrival } from '../state/history.ts';
import * as selections from '../sheet/selections.ts';
import * as verdicts from '../state/test-results.ts';

export async function arrivals(req: Request, res: Response) {
  const before = textIn(req.query, 'before') || null;
  const lines = await arrivedTransfers(req.here.sql, before);
  const list = [];
  for (const line of lines) {
    const rows = withChoice(await arrivalsOf(req.here.sql, line.transfer));
    const roots = rows
      .filter((row) => row.entity === row.root_entity && row.action !== 'remove')
      .slice(0, LISTED)
      .map((row) => ({ entity: row.entity, id: row.row_id }));
    list.push({
      ...line,
      tested: rulesOf(req.here.name).isTested
        ? await verdicts.testStatusOf(req.here, roots)
        : new Map(),
      from: rulesOf(line.origin as 'staging'),
      sentOn: await onwardTransfers(req.here.sql, line.transfer),
      rows: rows.slice(0, LISTED),
    });
  }
  await page(req, res, 'transfers/arrivals', {
    title: 'Arrived',
    crumbs: [{ text: 'Arrived' }],
    list,
  });
}

const LISTED = 50;

/**
 * Which rows are chosen for the next environment: dependents come with their owner, or alone if they came
 * alone.
 */
function withChoice(rows: Arrival[]) {
  const keys = new Set(rows.map((row) => `${row.entity}:${row.row_id}`));
  return rows.map((row) => ({
    ...row,
    isChosen:
      !entityNamed(row.entity).isMatchedByName &&
      (row.entity === row.root_entity || !keys.has(`${row.root_entity}:${row.root_id}`)),
  }));
}

/** Selects the rows of one transfer for the next environment; single rows may be left out. */
export async function chooseArrived(req: Request, res: Response) {
  const came = withChoice(await arrivalsOf(req.here.sql, String(req.params['transfer'])));
  const [first] = came;
  if (!first) throw new NotFound('There is no such transfer here.');
  const { rows: ticked, rest } = (req.body ?? {}) as { rows?: string | string[]; rest?: string };
  const unlisted = rest === 'yes' ? came.slice(LISTED).filter(({ isChosen }) => isChosen) : [];
  const keys = selections.parseKeys([
    ...[ticked ?? []].flat(),
    ...unlisted.map((row) => `${row.entity}:${row.row_id}`),
  ]);
  const chain = [...(JSON.parse(first.chain) as string[]), first.transfer];
  const name = isDefaultName(first.name, came) ? '' : first.name;
  const id = await selections.create(req.here.sql, accountOf(req).email, { keys, name, chain });
  res.redirect(303, `/selections/${id}`);
}

export const kinds = catalog.flatMap(({ label }) => [label.one, label.many]).join('|');

const namesOfKinds = new RegExp(`^[\\d,]+ (${kinds})(, [\\d,]+ (${kinds}))*$`, 'i');

/** A generated name would not fit a different set of rows. */
const isDefaultName = (name: string, came: { title: string }[]) =>
  namesOfKinds.test(name) ||
  came.some(({ title }) => title === name || name.startsWith(`${title} and `));
