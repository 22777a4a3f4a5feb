// Asks a user to confirm an action on many rows of a list, then performs the action row by row. If there are too many
// rows for one request, a job performs the action.
import { parse } from 'node:querystring';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { keyText, type Entity, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { Invalid, Problem, Unavailable, type FieldErrors } from '../problems.ts';
import { parseKeys } from '../sheet/posted-keys.ts';
import { count, formatChoice, plural } from '../web/format.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, authorOf } from '../web/request.ts';
import { returnOf } from '../web/return.ts';
import { zoneOf } from '../web/viewer.ts';
import {
  AT_ONCE,
  mostFor,
  outcomeText,
  postedValues,
  settableFields,
  type BulkAction,
  type BulkTarget,
  type BulkValues,
} from './bulk-actions.ts';
import { requestBulk } from './bulk-job.ts';
import { digestOf, lookAt, seenOf, targetsOf, type SeenRow } from './bulk-rows.ts';
import { allIds } from './list-query.ts';
import { parseListState } from './list-state.ts';
import { withTicked } from './ticked.ts';
import { writesOf } from './write-pages.ts';

/** Shows which rows an action would change, and which it would skip. */
export const askBulk = (action: BulkAction) =>
  async function askBulk(req: Request, res: Response) {
    await confirmation(req, res, action, {});
  };

async function confirmation(req: Request, res: Response, action: BulkAction, errors: FieldErrors) {
  const entity = entityNamed(String(req.params['entity']));
  const keys = await chosenKeys(req, entity);
  const { targets, skipped } = await lookAt(writesOf(req), entity, action, keys);
  const isJob = targets.length > AT_ONCE;
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
    isJob,
    sent: isJob ? chosenAgain(req, targets) : shownRows(targets),
    listHref: withTicked(
      listOf(req, entity),
      keys.map(({ id }) => id),
    ),
    errors,
    fields: action.asks === 'value' ? fieldInputs(entity, req) : [],
  });
}

const listOf = (req: Request, { name }: Entity) => returnOf(req) || `/catalog/${name}`;

type Sent = { name: string; value: string }[];

/**
 * Returns the hidden inputs for rows that the request itself will change: the key of each row, and
 * the state that the page showed.
 */
const shownRows = (targets: BulkTarget[]): Sent => [
  { name: 'seen', value: JSON.stringify(seenOf(targets)) },
  ...targets.map(({ key }) => ({ name: 'rows', value: keyText(key) })),
];

/**
 * Returns the hidden inputs for rows that a job will change: how to find the rows again, and a
 * digest that tells whether they have changed meanwhile.
 */
const chosenAgain = (req: Request, targets: BulkTarget[]): Sent => [
  { name: 'digest', value: digestOf(targets) },
  ...(isEverything(req)
    ? [
        { name: 'everything', value: 'yes' },
        { name: 'query', value: req.form.text('query') },
      ]
    : targets.map(({ key }) => ({ name: 'rows', value: keyText(key) }))),
];

export const isEverything = (req: Request) => req.form.text('everything') === 'yes';

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

export async function chosenKeys(req: Request, entity: Entity): Promise<RowKey[]> {
  const keys = isEverything(req)
    ? await everyKey(req, entity)
    : parseKeys(req.form.texts('rows')).filter((key) => key.entity === entity.name);
  if (keys.length === 0)
    throw new Invalid({ rows: 'Choose at least one row: go back and tick it.' });
  const most = mostFor(req);
  if (keys.length <= most) return keys;
  throw new Invalid({
    rows: `${count(keys.length)} rows are chosen, and one action can change ${count(most)} at most. Narrow the list with its filters.`,
  });
}

async function everyKey(req: Request, entity: Entity): Promise<RowKey[]> {
  const state = parseListState(entity, parse(req.form.text('query')), zoneOf(req));
  const ids = await allIds(req.here, entity, state, accountOf(req).email);
  return ids.map((id) => ({ entity: entity.name, id }));
}

/**
 * Performs an action on the rows that its confirmation page showed. Each row is saved separately.
 */
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
  const values = postedValues(action, entity, req.form);
  if (req.form.text('digest') !== '' && !req.copy) return startJob(req, res, action, values);
  const writes = writesOf(req);
  const { targets, skipped } = await targetsOf(writes, entity, seenIn(req.form.raw('seen')));
  const all = targets.length + skipped.length;
  const work = { writes, author: authorOf(req), values };
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
  res.redirect(303, listOf(req, entity));
}

/**
 * Finds the chosen rows again. Starts the job only if the rows are the same as on the confirmation
 * page, and unchanged.
 */
async function startJob(req: Request, res: Response, action: BulkAction, values: BulkValues) {
  const entity = entityNamed(String(req.params['entity']));
  const keys = await chosenKeys(req, entity);
  const { targets } = await lookAt(writesOf(req), entity, action, keys);
  if (digestOf(targets) !== req.form.text('digest')) {
    throw new Invalid({ rows: 'Some of these rows have changed since. Review them again.' });
  }
  const { email: person } = accountOf(req);
  const { job, isNew } = await requestBulk(req.here, { action, targets, values, person });
  if (isNew) await req.line.push(job);
  res.redirect(303, `/jobs/${job.number}`);
}

function whyOf(error: unknown, req: Request): string {
  if (error instanceof Problem) return error.message;
  req.log.error({ err: error, path: req.path }, 'a row of a bulk action failed');
  return 'Something went wrong. Open it and see what is stored.';
}

const seenSchema = z
  .array(z.tuple([z.number().int().positive(), z.string().max(100)]))
  .max(AT_ONCE);

function seenIn(text: string | undefined): SeenRow[] {
  try {
    return seenSchema.parse(JSON.parse(text ?? ''));
  } catch {
    throw new Invalid({ seen: 'This page is not complete. Choose the rows on their list again.' });
  }
}
