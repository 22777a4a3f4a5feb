// What came of transfers, what arrived, marks and names.
import type { Request, Response } from 'express';
import { fieldEntries, keyText, labelOf } from '../catalog/entity.ts';
import { catalog, entityNamed, matchedByName, rootOf } from '../catalog/index.ts';
import type { Queryable } from '../database/sql.ts';
import { rung } from '../environments/ladder.ts';
import { Invalid, NotFound } from '../problems.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, addressed, localPath, numberOrNull, textIn } from '../web/request.ts';
import { arrivalsOf, arrived, sentOn, type Arrival } from '../journal/history.ts';
import { attention, decide } from '../journal/attention.ts';
import * as jobs from '../jobs/jobs.ts';
import { jobOf } from './background.ts';
import * as journal from '../journal/journal.ts';
import { inWords, kindsInWords } from '../web/words.ts';
import { listMappings } from '../journal/mappings.ts';
import { readStates } from '../journal/row-states.ts';
import * as marks from './marks.ts';
import * as selections from './selections.ts';
import * as verdicts from './verdicts.ts';
import { SHOWN, turnTo } from './sheet-rows.ts';
import * as transfers from './transfers.ts';

export async function index(req: Request, res: Response) {
  const before = numberOrNull(req.query['before']);
  await page(req, res, 'promotion/transfers', {
    title: 'Transfers',
    crumbs: [{ text: 'Transfers' }],
    list: await transfers.list(req.here.sql, before),
  });
}

export async function show(req: Request, res: Response) {
  const number = numberOrNull(req.params['number']) ?? 0;
  const transfer = await journal.byNumber(req.here.sql, number);
  if (!transfer) throw new NotFound('There is no such transfer.');
  const steps = await journal.stepsOf(req.here.sql, transfer.id);
  const turned = turnTo(
    steps.toSorted((one, other) => Number(isUnplanned(other)) - Number(isUnplanned(one))),
    numberOrNull(req.query['page']),
  );
  await page(req, res, 'promotion/transfer', {
    title: `Transfer ${transfer.number}: ${transfer.name}`,
    crumbs: [{ text: 'Transfers', href: '/transfers' }, { text: `Transfer ${transfer.number}` }],
    transfer,
    former: transfer.undoes && (await journal.byId(req.here.sql, transfer.undoes)),
    undoneBy: await journal.undoing(req.here.sql, transfer.id),
    from: rung(transfer.origin),
    to: rung(transfer.destination),
    there: req.here.settings.urls[transfer.destination] ?? null,
    steps: await withOwners(req.here.sql, turned.shown),
    turned,
    written: steps.filter((step) => step.action !== 'same').length,
    attention: await attentionOf(req, transfer),
    isLive: journal.liveStates.includes(transfer.state),
    job: await jobs.living(req.here.sql, jobOf(transfer.id)),
  });
}

/** Not as the sheet said: what a reader looks for first. */
const isUnplanned = ({ outcome, action }: journal.WrittenStep) =>
  outcome !== null && outcome !== journal.asPlanned[action];

/** Steps with what they are of, and the title of the row that they belong to. */
async function withOwners(on: Queryable, steps: journal.WrittenStep[]) {
  const roots = steps.map((step) => {
    const row = step.after ?? step.before;
    return row ? rootOf(entityNamed(step.entity), row) : step;
  });
  const states = await readStates(on, roots);
  return steps.map((step, index) => {
    const root = keyText(roots[index] ?? step);
    const owner = root === keyText(step) ? null : (states.get(root)?.title ?? null);
    return { ...step, entity: entityNamed(step.entity), owner };
  });
}

/** What a transfer that needs a person looks like there; null for every other. */
async function attentionOf({ here }: Request, transfer: journal.Transfer) {
  if (transfer.state !== 'needs_attention') return null;
  const there = transfer.destination === here.name ? here : here.destination;
  if (!there) return null;
  const found = await attention(here, there, transfer);
  const theirs = found.rows.filter(({ isTheirs }) => isTheirs);
  // What someone else wrote is what there is to decide about.
  const shown = theirs.length > 0 ? theirs : found.rows;
  return {
    ...found,
    theirs: theirs.length,
    all: found.rows.length,
    rows: shown.slice(0, SHOWN).map(({ step, now, isTheirs }) => {
      const entity = entityNamed(step.entity);
      const travelling = fieldEntries(entity).filter(([, field]) => !field.local);
      const fields = travelling.map(([name, field]) => ({
        label: labelOf(entity, name),
        before: inWords(field, step.before?.[name]),
        after: inWords(field, step.after?.[name]),
        now: inWords(field, now?.[name]),
      }));
      const isMoved = ({ before, after, now: value }: (typeof fields)[number]) =>
        before !== after || before !== value;
      return { step, entity, isTheirs, isThere: now !== null, fields: fields.filter(isMoved) };
    }),
  };
}

/** A person decides how a transfer goes on that could not by itself. */
export async function decideOn(req: Request, res: Response) {
  const number = numberOrNull(req.params['number']) ?? 0;
  const transfer = await journal.byNumber(req.here.sql, number);
  if (!transfer) throw new NotFound('There is no such transfer.');
  const there = transfer.destination === req.here.name ? req.here : req.here.destination;
  if (!there) throw new NotFound('Its destination cannot be reached from here.');
  const choice = textIn(req.body, 'choice');
  await decide(req.here, there, transfer, { choice, person: accountOf(req).email });
  flash(req, 'Decided. It goes on from here in a moment.');
  res.redirect(303, `/transfers/${number}`);
}

export async function arrivals(req: Request, res: Response) {
  const before = textIn(req.query, 'before') || null;
  const lines = await arrived(req.here.sql, before);
  const list = [];
  for (const line of lines) {
    const rows = withChoice(await arrivalsOf(req.here.sql, line.transfer));
    const roots = rows
      .filter((row) => row.entity === row.root_entity && row.action !== 'remove')
      .slice(0, LISTED)
      .map((row) => ({ entity: row.entity, id: row.row_id }));
    list.push({
      ...line,
      tested: rung(req.here.name).isTested ? await verdicts.testedOf(req.here, roots) : new Map(),
      from: rung(line.origin as 'staging'),
      sentOn: await sentOn(req.here.sql, line.transfer),
      rows: rows.slice(0, LISTED),
    });
  }
  await page(req, res, 'promotion/arrivals', {
    title: 'Arrived',
    crumbs: [{ text: 'Arrived' }],
    list,
  });
}

const LISTED = 50;

/** Which lines are picked for the next stop: a dependent goes with its owner; one that came alone goes alone. */
function withChoice(rows: Arrival[]) {
  const keys = new Set(rows.map((row) => `${row.entity}:${row.row_id}`));
  return rows.map((row) => ({
    ...row,
    isChosen:
      !entityNamed(row.entity).isMatchedByName &&
      (row.entity === row.root_entity || !keys.has(`${row.root_entity}:${row.root_id}`)),
  }));
}

/** What came with one transfer, chosen for the next stop; single rows may be left out. */
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

const kinds = catalog.flatMap(({ label }) => [label.one, label.many]).join('|');
const namesOfKinds = new RegExp(`^[\\d,]+ (${kinds})(, [\\d,]+ (${kinds}))*$`, 'i');

/** A name that the program made of the rows would not fit what is sent on. */
const isDefaultName = (name: string, came: { title: string }[]) =>
  namesOfKinds.test(name) ||
  came.some(({ title }) => title === name || name.startsWith(`${title} and `));

export async function adopt(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const seen = textIn(req.body, 'seen');
  await marks.adopt(req.here, accountOf(req).email, { entity: entity.name, id }, seen);
  flash(req, 'Adopted: this content may go.');
  back(req, res);
}

export async function hold(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const reason = textIn(req.body, 'reason').slice(0, 300) || null;
  await marks.hold(req.here, accountOf(req).email, { entity: entity.name, id }, reason);
  flash(req, 'Marked Not for production. It is in no count of what waits.');
  back(req, res);
}

export async function liftHold(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  await marks.liftHold(req.here, accountOf(req).email, { entity: entity.name, id });
  flash(req, 'The row may go again.');
  back(req, res);
}

export async function judge(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const verdict = textIn(req.body, 'verdict');
  if (verdict !== 'works' && verdict !== 'does-not-work') {
    throw new Invalid({ verdict: 'Choose Works or Does not work' });
  }
  await verdicts.judge(
    req.here,
    accountOf(req).email,
    { entity: entity.name, id },
    {
      works: verdict === 'works',
      note: textIn(req.body, 'note').slice(0, 500) || null,
      seen: textIn(req.body, 'seen'),
    },
  );
  flash(req, verdict === 'works' ? 'Marked Works.' : 'Marked Does not work.');
  back(req, res);
}

function back(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  res.redirect(303, localPath(textIn(req.body, 'return'), `/catalog/${entity.name}/${id}`));
}

export async function selectionIndex(req: Request, res: Response) {
  const list = await selections.list(req.here.sql, accountOf(req).email);
  const sent = await transfers.sentFrom(
    req.here.sql,
    list.map(({ id }) => id),
  );
  const titles = await readStates(
    req.here.sql,
    list.flatMap(({ keys }) => (keys.length <= 2 ? keys : [])),
  );
  await page(req, res, 'promotion/selections', {
    title: 'Selections',
    crumbs: [{ text: 'Selections' }],
    list: list.map((one) => {
      const rows = one.keys.map((key) => ({
        ...key,
        title: titles.get(keyText(key))?.title ?? String(key.id),
      }));
      const name = one.name || transfers.nameOfRows(rows);
      return { ...one, name, sent: sent.get(one.id) ?? [], kinds: kindsInWords(rows) };
    }),
  });
}

/** A basket is put away; the rows in it, and what was sent from it, stay. */
export async function discardSelection(req: Request, res: Response) {
  await selections.discard(req.here.sql, String(req.params['id']));
  flash(req, 'The selection is removed. Its rows are where they were.');
  res.redirect(303, '/selections');
}

export async function names(req: Request, res: Response) {
  await page(req, res, 'promotion/names', {
    title: 'Names',
    crumbs: [{ text: 'Names' }],
    kinds: matchedByName,
    mappings: await listMappings(req.here.sql),
  });
}

export async function mapName(req: Request, res: Response) {
  const kind = matchedByName.find(({ name }) => name === textIn(req.body, 'entity'));
  const name = textIn(req.body, 'name').normalize('NFC').slice(0, 100);
  const there = textIn(req.body, 'there').normalize('NFC').slice(0, 100);
  if (!kind || name === '') throw new Invalid({ name: 'Enter the name that is used here' });
  await marks.mapName(req.here, accountOf(req).email, { entity: kind.name, name, there });
  flash(
    req,
    there === '' ? `${name} stands for itself again.` : `${name} is ${there} there from now on.`,
  );
  res.redirect(303, localPath(textIn(req.body, 'return'), '/names'));
}
