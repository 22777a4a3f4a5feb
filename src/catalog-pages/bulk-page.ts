// Asks a user to confirm an action on many rows of a list, then performs the action row by row. If there are too many
// rows for one request, a job performs the action.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { entityNamed } from '../catalog/index.ts';
import { Invalid, Problem, Unavailable, type FieldErrors } from '../problems.ts';
import { plural } from '../web/format.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, authorOf } from '../web/request.ts';
import {
  AT_ONCE,
  outcomeText,
  postedValues,
  type BulkAction,
  type BulkTarget,
  type BulkValues,
} from './bulk-actions.ts';
import { chosenAgain, chosenKeys, listOf, listWith, type Sent } from './bulk-chosen.ts';
import { requestBulk } from './bulk-job.ts';
import { digestOf, lookAt, seenOf, targetsOf, type SeenRow } from './bulk-rows.ts';
import { confirmedValue, valuePage } from './bulk-value-page.ts';
import { writesOf } from './write-pages.ts';

/** Shows which rows an action would change, and which it would skip. */
export const askBulk = (action: BulkAction) =>
  async function askBulk(req: Request, res: Response) {
    const { form } = req;
    const isChoosing = form.text('field') === '' || form.text('change') === 'yes';
    if (action.asks === 'value' && isChoosing) {
      await valuePage(req, res, action, {});
    } else {
      await withValues(req, res, action, (values) =>
        confirmation(req, res, { action, values }, {}),
      );
    }
  };

/** Goes on with what the user entered, or shows the page with the inputs and errors again. */
const withValues = (
  req: Request,
  res: Response,
  action: BulkAction,
  goOn: (values: BulkValues) => Promise<void>,
) =>
  orShowErrors(
    res,
    async () => goOn(await postedValues(req.here, action, entityOf(req), req.form)),
    (errors) =>
      action.asks === 'value'
        ? valuePage(req, res, action, errors)
        : confirmation(req, res, { action, values: null }, errors),
  );

const entityOf = (req: Request) => entityNamed(String(req.params['entity']));

type Entered = { action: BulkAction; values: BulkValues };

async function confirmation(req: Request, res: Response, entered: Entered, errors: FieldErrors) {
  const { action, values } = entered;
  const entity = entityOf(req);
  const keys = await chosenKeys(req, entity);
  const { targets, skipped, refused } = await lookAt(writesOf(req), entity, entered, keys);
  const isJob = targets.length > AT_ONCE;
  const name = action.label.replace('…', '');
  const value = values && 'field' in values ? await confirmedValue(req, entity, values) : null;
  const title = `${value?.verb ?? name}: ${plural(targets.length, entity.label)}`;
  await page(req, res, 'catalog-pages/bulk', {
    title: Object.keys(errors).length > 0 ? `Error: ${title}` : title,
    crumbs: [{ text: entity.label.many, href: `/catalog/${entity.name}` }, { text: name }],
    heading: title,
    entity,
    action,
    targets,
    skipped,
    refused,
    isJob,
    value: value?.shown ?? null,
    sent: [...(value?.sent ?? []), ...stateOf(targets, isJob), ...chosenAgain(req, keys)],
    listHref: listWith(req, entity, keys),
    errors,
  });
}

/**
 * Returns the hidden input with the state of the rows that the page showed: of each row if the request itself will
 * change them; if a job will, a digest that tells whether they have changed meanwhile.
 */
const stateOf = (targets: BulkTarget[], isJob: boolean): Sent =>
  isJob
    ? [{ name: 'digest', value: digestOf(targets) }]
    : [{ name: 'seen', value: JSON.stringify(seenOf(targets)) }];

/**
 * Performs an action on the rows that its confirmation page showed. Each row is saved separately.
 */
export const runBulk = (action: BulkAction) =>
  async function runBulk(req: Request, res: Response) {
    await withValues(req, res, action, (values) =>
      orShowErrors(
        res,
        () => runOnEach(req, res, { action, values }),
        (errors) => confirmation(req, res, { action, values }, errors),
      ),
    );
  };

async function runOnEach(req: Request, res: Response, entered: Entered) {
  const { action, values } = entered;
  const entity = entityOf(req);
  if (req.form.text('digest') !== '' && !req.copy) return startJob(req, res, entered);
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
async function startJob(req: Request, res: Response, entered: Entered) {
  const entity = entityOf(req);
  const keys = await chosenKeys(req, entity);
  const { targets } = await lookAt(writesOf(req), entity, entered, keys);
  if (digestOf(targets) !== req.form.text('digest')) {
    throw new Invalid({ rows: 'Some of these rows have changed since. Review them again.' });
  }
  const { email: person } = accountOf(req);
  const { job, isNew } = await requestBulk(req.here, { ...entered, targets, person });
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
