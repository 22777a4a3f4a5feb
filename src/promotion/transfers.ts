// A transfer as a person asks for it: the click on its sheet, and what became of it.
import type { Row } from '../catalog/entity.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { drawIds } from '../environments/ids.ts';
import { rung } from '../environments/ladder.ts';
import type { Stop } from '../environments/place.ts';
import * as journal from '../journal/journal.ts';
import { carry, isUncertain } from '../journal/write.ts';
import { Conflict, Invalid, NotFound, Problem } from '../problems.ts';
import { copyImage } from '../storage/images.ts';
import { kindsInWords } from '../web/words.ts';
import type { PlannedStep } from './plan.ts';
import { imagesOf } from './problems-of-shape.ts';
import type { Selection } from './selections.ts';
import { prepare, unreachable, type Road } from './sheets.ts';

export type Click = {
  planHash: string;
  idempotencyKey: string;
  name: string;
  reason: string | null;
  person: string;
  role?: 'product_manager' | 'on_call';
  /** Takes a transfer that is too large to wait for; without it every size is waited for. */
  handOver?: (transfer: journal.Transfer) => Promise<void>;
  /** More rows than this are not waited for. */
  largeFrom?: number;
};

/** More rows than this are carried by a job. */
export const LARGE = 1000;

/** The plan moved since the sheet was shown; carries nothing, the page shows a fresh sheet. */
export class SheetMoved extends Conflict {}

/**
 * Sends what the sheet showed. A double click answers with the same transfer.
 * @throws SheetMoved when either side changed since, Invalid when something still stands in the way
 */
export async function send(road: Road, selection: Selection, click: Click) {
  const findTwin = () => journal.byKey(journalOf(road).sql, click.person, click.idempotencyKey);
  const twin = await findTwin();
  if (twin) return sameRequest(twin, click);
  try {
    return await sendFirst(road, selection, click);
  } catch (error) {
    // The second of two clicks finds rows being written: by the first, which was journaled meanwhile.
    const first = error instanceof Problem ? await findTwin() : undefined;
    if (first) return sameRequest(first, click);
    throw error;
  }
}

export const journalOf = ({ here, journalAt }: Road): Stop => journalAt ?? here;

/** Who only has the on_call permission brings nothing new, and says why. */
export const asksReason = (road: Road, { role }: Pick<Click, 'role'>) =>
  rung(road.there.name).asksReason || role === 'on_call';

async function sendFirst(road: Road, selection: Selection, click: Click) {
  if (asksReason(road, click) && !click.reason) {
    throw new Invalid({
      reason: `Enter a reason. Everyone can read it in ${rung(road.there.name).inText}.`,
    });
  }
  const { plan } = await prepare(road, selection);
  if (plan.hash !== click.planHash) {
    throw new SheetMoved(await whyMoved(journalOf(road), selection));
  }
  if (plan.problems.length > 0) {
    throw new Invalid({ rows: plan.problems.map((problem) => problem.message).join(' ') });
  }
  if (plan.steps.every((step) => step.action === 'same')) {
    throw new Invalid({ rows: nothingToDo(road, selection) });
  }
  const at = journalOf(road);
  try {
    await putImages(road, plan.steps);
    const { transfer, isNew } = await journal.open(at, road.there, road.lease, {
      kind: selection.kind,
      name: click.name || nameOf(plan.steps),
      reason: click.reason,
      person: click.person,
      role: click.role ?? 'product_manager',
      idempotencyKey: click.idempotencyKey,
      planHash: click.planHash,
      chain: selection.chain,
      undoes: selection.undoes,
      selection: selection.id,
      reliedOn: plan.reliedOn,
      steps: await withIds(road.there, plan.steps),
    });
    if (!isNew) return sameRequest(transfer, click);
    const written = plan.steps.filter(({ action }) => action !== 'same').length;
    if (click.handOver && written > (click.largeFrom ?? LARGE)) {
      // What cannot be handed over is recovery's, as soon as its lease has run out.
      await click.handOver(transfer).catch(() => {});
      return transfer;
    }
    return await carry(at, road.there, transfer, road.lease);
  } catch (error) {
    return settled(road, click, error);
  }
}

/** Most often it was sent from another tab, or by a colleague. */
async function whyMoved({ sql: on }: Stop, { id }: Selection): Promise<string> {
  const number = (await sentFrom(on, [id])).get(id)?.at(-1);
  return number === undefined
    ? 'Something changed since you opened this page. Review it again.'
    : `This was sent already as transfer ${number}. The page shows how it stands since.`;
}

function nothingToDo({ there }: Road, { kind }: Selection): string {
  const { inText } = rung(there.name);
  return kind === 'undo'
    ? `There is nothing left to undo in ${inText}.`
    : `Everything is the same in ${inText} already`;
}

function sameRequest(twin: journal.Transfer, click: Click): journal.Transfer {
  if (twin.plan_hash === click.planHash) return twin;
  throw new Invalid({ rows: 'This page was sent before with other rows. Open the sheet again.' });
}

/** Once it is in the journal, its page tells how it stands; before that, nothing happened. */
async function settled(road: Road, click: Click, error: unknown): Promise<journal.Transfer> {
  const written = await journal.byKey(journalOf(road).sql, click.person, click.idempotencyKey);
  if (written?.plan_hash === click.planHash && isUncertain(error)) return written;
  throw unreachable(error, road.there);
}

/** Images first: they are named by their content, so putting them early harms nobody. */
async function putImages({ here, there }: Road, steps: PlannedStep[]) {
  for (const step of steps.filter(({ action }) => action !== 'same')) {
    for (const { name } of imagesOf(step)) {
      if (!(await copyImage(here.storage, there.storage, name))) {
        throw new NotFound(`There is no image named "${name}" in this environment's storage.`);
      }
    }
  }
}

/** Cities and partners that are created there get ids of theirs. */
async function withIds(there: Stop, steps: PlannedStep[]): Promise<journal.Step[]> {
  const drawn: journal.Step[] = [];
  for (const { sight: _sight, root: _root, ...step } of steps) {
    if (step.id > 0) drawn.push(step);
    else {
      const id = await drawIds(there, step.entity);
      drawn.push({ ...step, id, after: { ...(step.after as Row), id } });
    }
  }
  return drawn;
}

/** What a transfer without a name is called: its first row, and how many more. */
function nameOf(steps: PlannedStep[]): string {
  const written = steps.filter((step) => step.action !== 'same');
  const picked = written.filter((step) => step.because === null);
  return nameOfRows(picked.length > 0 ? picked : written).slice(0, 120);
}

/** What rows are called together: by their titles as long as they are few. */
export const nameOfRows = (rows: { entity: string; title: string }[]) =>
  rows.length <= 2 ? rows.map(({ title }) => title).join(' and ') : kindsInWords(rows);

/** Newest first, 50 a page, below `before`. */
export const list = (on: Queryable, before: number | null) =>
  select<journal.Transfer & { steps: number }>(
    on,
    sql`select t.*, (select count(*) from transfer_step s where s.transfer = t.id and s.action <> 'same') as steps
          from transfer t
         where (kind in (${journal.sent}) or state = 'needs_attention') and (${before} is null or number < ${before})
         order by number desc
         limit 50`,
  );

/** Numbers of the transfers that were sent from each of these selections. */
export async function sentFrom(on: Queryable, ids: string[]): Promise<Map<string, number[]>> {
  const lines = await select<{ selection: string; number: number }>(
    on,
    sql`select selection, number from transfer
         where selection in (${ids}) and state = 'verified' order by number`,
  );
  const sent = new Map<string, number[]>();
  for (const { selection, number } of lines) {
    sent.set(selection, [...(sent.get(selection) ?? []), number]);
  }
  return sent;
}
