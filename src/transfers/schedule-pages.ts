// The form that schedules the transfer of a selection or changes its time, and the button that cancels the schedule.
import type { Request, Response } from 'express';
import { parseInstant } from '../catalog/instant.ts';
import { Conflict, Invalid, type FieldErrors } from '../problems.ts';
import { asksReason, roleOf, routeOf } from '../sheet/route.ts';
import { activeOf, retryOf } from '../sheet/schedules.ts';
import * as selections from '../sheet/selections.ts';
import { isVisible } from '../typed-text.ts';
import type { Form } from '../web/form/form.ts';
import { exactly, iso } from '../web/format.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { postedInstant, zoneOfForm } from '../web/posted-instant.ts';
import { accountOf } from '../web/request.ts';
import { zoneOf } from '../web/viewer.ts';
import { zonedInput } from '../web/zoned-input.ts';
import * as schedules from './schedules.ts';

export async function showSchedule(req: Request, res: Response) {
  const id = String(req.params['id']);
  const active = await activeOf(req.here.sql, id);
  const { reason } = await selections.find(req.here.sql, id);
  await schedulePage(req, res, {
    active: active?.id ?? '',
    at: active ? iso(active.run_at) : '',
    reason: active?.reason ?? reason ?? '',
    errors: {},
  });
}

type Shown = { active: string; at: string; reason: string; errors: FieldErrors };

async function schedulePage(req: Request, res: Response, shown: Shown) {
  const selection = await selections.find(req.here.sql, String(req.params['id']));
  const { active, errors } = shown;
  const scheduled = await activeOf(req.here.sql, selection.id);
  const title = active === '' ? 'Schedule the transfer' : 'Change the schedule';
  const address = `/selections/${selection.id}`;
  await page(req, res, 'transfers/schedule', {
    title: `${Object.keys(errors).length > 0 ? 'Error: ' : ''}${title}`,
    crumbs: [
      { text: 'Selections', href: '/selections' },
      { text: selection.name, href: address },
      { text: title },
    ],
    heading: title,
    address,
    name: selection.name,
    scheduled: scheduled ?? null,
    retry: scheduled?.state === 'running' ? await retryOf(req.here.sql, scheduled) : null,
    asksReason: asksReason(routeOf(req), { role: roleOf(req) }),
    input: zonedInput(AT, shown.at, zoneOfForm(req.form, zoneOf(req))),
    ...shown,
  });
}

const AT = 'run_at';

export async function saveSchedule(req: Request, res: Response) {
  const { form } = req;
  const id = String(req.params['id']);
  const active = form.text('schedule');
  await orShowErrors(
    res,
    async () => {
      const runAt = typedTime(form);
      const reason = form.textUpTo(500, 'reason', 'Reason');
      if (asksReason(routeOf(req), { role: roleOf(req) }) && !isVisible(reason)) {
        throw new Invalid({ reason: 'Enter a reason' });
      }
      const { email: person } = accountOf(req);
      const wanted = { selection: id, person, reason: reason || null, runAt };
      await schedules.schedule(req.here, wanted, active);
      flash(req, `Scheduled for ${exactly(runAt)}.`);
      res.redirect(303, `/selections/${id}`);
    },
    (errors) =>
      schedulePage(req, res, { active, at: form.text(AT), reason: form.text('reason'), errors }),
  );
}

const YEAR = 366 * 24 * 60 * 60 * 1000;

/**
 * Returns the time that a person typed for a schedule.
 * @throws Invalid when the time is missing, has passed, or is more than a year ahead
 */
function typedTime(form: Form): string {
  const posted = postedInstant({ name: AT, label: 'This time' }, form, undefined) ?? '';
  const runAt = parseInstant(posted);
  if (runAt === null) throw new Invalid({ [AT]: 'Enter a day and a time' });
  const inMs = Date.parse(runAt) - Date.now();
  if (inMs <= 0) throw new Invalid({ [AT]: `${exactly(runAt)} has passed. Enter a later time` });
  if (inMs > YEAR) throw new Invalid({ [AT]: 'Enter a time within a year' });
  return runAt;
}

export async function cancelSchedule(req: Request, res: Response) {
  const id = String(req.params['id']);
  const shown = req.form.text('schedule');
  if (shown === '')
    throw new Conflict('This page was not sent as a whole. Open the selection again.');
  await schedules.cancel(req.here, id, shown, accountOf(req).email);
  flash(req, 'The schedule was cancelled. Its rows stay in the selection.');
  res.redirect(303, `/selections/${id}`);
}
