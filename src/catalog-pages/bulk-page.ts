// Confirms an action for many rows of a list, and runs it row by row.
import { parse } from 'node:querystring';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { keyText, titleOf, type Entity, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { Invalid, Problem, Unavailable, type FieldErrors } from '../problems.ts';
import { read } from '../rows/store.ts';
import { parseKeys } from '../sheet/posted-keys.ts';
import { recordedStates } from '../state/untouched.ts';
import { count, formatChoice, plural } from '../web/format.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, authorOf } from '../web/request.ts';
import { returnOf } from '../web/return.ts';
import { zoneOf } from '../web/viewer.ts';
import {
  MOST,
  outcomeText,
  postedValue,
  settableFields,
  type BulkAction,
  type BulkTarget,
} from './bulk-actions.ts';
import { allIds } from './list-query.ts';
import { parseListState } from './list-state.ts';
import { writesOf } from './write-pages.ts';

/** Shows which rows an action would change, and which it would skip. */
export const askBulk = (action: BulkAction) =>
  async function askBulk(req: Request, res: Response) {
    await confirmation(req, res, action, {});
  };

async function confirmation(req: Request, res: Response, action: BulkAction, errors: FieldErrors) {
  const entity = entityNamed(String(req.params['entity']));
  const keys = await chosenKeys(req, entity);
  const { targets, skipped } = await lookAt(req, entity, action, keys);
  const title = `${action.label.replace('…', '')}: ${plural(targets.length, entity.label)}`;
  await page(req, res, 'catalog-pages/bulk', {
    title: Object.keys(errors).length > 0 ? `Error: ${title}` : title,
    crumbs: [
      { text: entity.label.many, href: `/catalog/${entity.name}` },
      { text: action.label.replace('…', '') },
    ],
    heading: title,
    entity,
    action,
    targets,
    skipped,
    seen: JSON.stringify(targets.map(({ key, seen }) => [key.id, seen])),
    listHref: returnOf(req) || `/catalog/${entity.name}`,
    errors,
    fields: action.asks === 'value' ? fieldInputs(entity, req) : [],
  });
}

const fieldInputs = (entity: Entity, req: Request) =>
  settableFields(entity).map(({ name, field, label }) => {
    const choices = field.kind === 'flag' ? ['yes', 'no'] : (field.choices ?? []);
    return {
      name,
      label,
      choices: choices.map((value) => ({ value, text: formatChoice(value) })),
      typed: req.form.text(name),
    };
  });

async function chosenKeys(req: Request, entity: Entity): Promise<RowKey[]> {
  const isEverything = req.form.text('everything') === 'yes';
  const keys = isEverything
    ? await everyKey(req, entity)
    : parseKeys(req.form.texts('rows')).filter((key) => key.entity === entity.name);
  if (keys.length === 0)
    throw new Invalid({ rows: 'Choose at least one row: go back and tick it.' });
  if (keys.length <= MOST) return keys;
  throw new Invalid({
    rows: `${count(keys.length)} rows are chosen, and one action can change ${MOST} at most. Narrow the list with its filters.`,
  });
}

async function everyKey(req: Request, entity: Entity): Promise<RowKey[]> {
  const state = parseListState(entity, parse(req.form.text('query')), zoneOf(req));
  const ids = await allIds(req.here, entity, state, accountOf(req).email);
  return ids.map((id) => ({ entity: entity.name, id }));
}

async function lookAt(req: Request, entity: Entity, action: BulkAction, keys: RowKey[]) {
  const rows = await read(req.here, keys);
  const states = await recordedStates(req.here, rows);
  const writes = writesOf(req);
  const targets: BulkTarget[] = [];
  const skipped: Skipped[] = [];
  for (const key of keys) {
    const row = rows.get(keyText(key));
    if (!row) {
      skipped.push(goneRow(entity, key));
      continue;
    }
    const title = titleOf(entity, row);
    const state = states.get(keyText(key));
    const { skip, seen } = await action.look(writes, { entity, row, state });
    if (skip === null) targets.push({ entity, key, title, seen });
    else skipped.push({ title, why: skip });
  }
  return { targets, skipped };
}

/** Runs an action on the rows that its confirmation page showed; each row is one save of its own. */
export const runBulk = (action: BulkAction) =>
  async function runBulk(req: Request, res: Response) {
    await orShowErrors(
      res,
      () => runOnEach(req, res, action),
      (errors) => confirmation(req, res, action, errors),
    );
  };

async function runOnEach(req: Request, res: Response, action: BulkAction) {
  const entity = entityNamed(String(req.params['entity']));
  const { targets, skipped } = await postedTargets(req, entity);
  const all = targets.length + skipped.length;
  if (action.asks === 'value') postedValue(entity, req.form);
  if (action.asks === 'reason') req.form.textUpTo(300, 'reason', 'Reason');
  const work = { writes: writesOf(req), author: authorOf(req), form: req.form };
  for (const [index, target] of targets.entries()) {
    try {
      await action.act(work, target);
    } catch (error) {
      skipped.push({ title: target.title, why: whyOf(error, req) });
      if (error instanceof Problem && !(error instanceof Unavailable)) continue;
      const rest = targets.slice(index + 1).map(({ title }) => ({ title, why: 'Not tried.' }));
      skipped.push(...rest);
      break;
    }
  }
  flash(req, outcomeText(action, entity, all - skipped.length, skipped));
  res.redirect(303, returnOf(req) || `/catalog/${entity.name}`);
}

function whyOf(error: unknown, req: Request): string {
  if (error instanceof Problem) return error.message;
  req.log.error({ err: error, path: req.path }, 'a row of a bulk action failed');
  return 'Something went wrong. Open it and see what is stored.';
}

/**
 * Reads the rows that the confirmation page posted, each with what the page had seen of it. Rows that were deleted
 * meanwhile are skipped.
 */
async function postedTargets(req: Request, entity: Entity) {
  const posted = new Map(seenIn(req.form.raw('seen')));
  const keys = [...posted.keys()].map((id): RowKey => ({ entity: entity.name, id }));
  const rows = await read(req.here, keys);
  const targets: BulkTarget[] = [];
  const skipped: Skipped[] = [];
  for (const key of keys) {
    const row = rows.get(keyText(key));
    if (!row) skipped.push(goneRow(entity, key));
    else targets.push({ entity, key, title: titleOf(entity, row), seen: posted.get(key.id) ?? '' });
  }
  return { targets, skipped };
}

type Skipped = { title: string; why: string };

const goneRow = ({ label }: Entity, { id }: RowKey): Skipped => ({
  title: `${label.one} ${id}`,
  why: 'not here any more',
});

const seenSchema = z.array(z.tuple([z.number().int().positive(), z.string().max(100)])).max(MOST);

function seenIn(text: string | undefined): [number, string][] {
  try {
    return seenSchema.parse(JSON.parse(text ?? ''));
  } catch {
    throw new Invalid({ seen: 'This page is not complete. Choose the rows on their list again.' });
  }
}
