// The pages that begin a selection, or keep the selection of an open transfer sheet under a name, so that everybody
// finds it in the list.
import { v7 as uuid } from 'uuid';
import type { Request, Response } from 'express';
import { Conflict, Invalid } from '../problems.ts';
import { cleanLine } from '../typed-text.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, idempotencyKeyIn, textIn } from '../web/request.ts';
import type { Form } from '../web/form/form.ts';
import { rowsText } from '../web/format.ts';
import { returnOf } from '../web/return.ts';
import { noteOthers, savePosted, showOvertaken } from './choices-page.ts';
import * as kept from './kept-selections.ts';
import { sheetPage } from './page.ts';
import { addressOf } from './routes.ts';
import * as selections from './selections.ts';
import * as shared from './shared-selections.ts';

/**
 * Shows the form that begins a selection. `draft`: the id of a selection that is not kept yet, with the rows that the
 * person ticked on a list.
 */
export const showNew = (req: Request, res: Response) =>
  newPage(req, res, { draft: textIn(req.query, 'draft'), name: '', reason: '' });

type Typed = { draft: string; name: string; reason: string; errors?: Record<string, string> };

async function newPage(req: Request, res: Response, { errors = {}, ...typed }: Typed) {
  const draft = typed.draft === '' ? null : await selections.find(req.here.sql, typed.draft);
  await page(req, res, 'sheet/new-selection', {
    title: `${Object.keys(errors).length > 0 ? 'Error: ' : ''}New selection`,
    crumbs: [{ text: 'Selections', href: '/selections' }, { text: 'New selection' }],
    ...typed,
    key: uuid(),
    rows: draft && rowsText(draft.keys.length),
    errors,
  });
}

export async function begin(req: Request, res: Response) {
  const { form } = req;
  const draft = form.text('draft');
  await orShowErrors(
    res,
    async () => {
      const typed = {
        name: typedName(form),
        reason: form.textUpTo(500, 'reason', 'Reason') || null,
      };
      const id = await keptAs(req, draft, typed);
      const address = `/selections/${id}`;
      const back = returnOf(req);
      flash(
        req,
        `Selection “${typed.name}” begun.`,
        back === '' ? null : { href: address, text: 'Open it' },
      );
      res.redirect(303, back || address);
    },
    (errors) => {
      const typed = { name: form.text('name'), reason: form.text('reason') };
      return newPage(req, res, { draft, ...typed, errors });
    },
  );
}

/**
 * Turns the draft into a kept selection, or begins an empty selection if there is no draft; returns its id.
 * @throws Conflict when the form was sent before with another name. The selection is not renamed, because other people
 * may already use it
 */
async function keptAs(req: Request, draft: string, typed: { name: string; reason: string | null }) {
  const { sql: on } = req.here;
  const id = draft === '' ? idempotencyKeyIn(req.form).key : draft;
  if (draft === '') await kept.begin(on, id, accountOf(req).email, typed);
  else await kept.keep(on, id, typed);
  const { name } = await selections.find(on, id);
  if (name !== typed.name) {
    throw new Conflict(
      `This form began the selection “${name}” before. Open the page Selections to begin another one.`,
    );
  }
  return id;
}

/** @throws Invalid if the name has no visible character */
function typedName(form: Form): string {
  const name = cleanLine(form.textUpTo(120, 'name', 'Name'));
  if (name === '') throw new Invalid({ name: nameMissing });
  return name;
}

const nameMissing = 'Enter a name for the selection, such as Diwali launch';

/**
 * Keeps the selection of an open transfer sheet under a name, with the choices made on the sheet.
 */
export async function keepDraft(req: Request, res: Response) {
  const id = String(req.params['id']);
  const posted = await savePosted(req, 'transfer', id);
  if (posted.overtaken.length > 0) return showOvertaken(req, res, 'transfer', posted);
  const name = cleanLine(posted.now.name);
  if (name === '') {
    res.status(422);
    const failure = 'The selection has no name yet';
    const reasons = ['name-missing'];
    const problem = `${nameMissing}.`;
    return sheetPage(req, res, { kind: 'transfer', key: uuid(), failure, problem, reasons });
  }
  await kept.keep(req.here.sql, id, { name, reason: posted.now.reason });
  flash(req, `Kept as the selection “${name}”. It is on the page Selections.`);
  noteOthers(req, posted);
  res.redirect(303, addressOf('transfer', id, req.form));
}

/** Asks before a selection is removed. */
export async function showRemoval(req: Request, res: Response) {
  const selection = await selections.find(req.here.sql, String(req.params['id']), 'transfer');
  await page(req, res, 'sheet/removal', {
    title: `Remove ${selection.name}`,
    crumbs: [
      { text: 'Selections', href: '/selections' },
      { text: selection.name, href: `/selections/${selection.id}` },
      { text: 'Remove' },
    ],
    selection,
    rows: rowsText(selection.keys.length),
    seen: shared.seenOf(selection),
  });
}

/** Removes a selection. The rows that it names stay unchanged. */
export async function discardSelection(req: Request, res: Response) {
  const seen = req.form.text('seen');
  await shared.discard(req.here.sql, String(req.params['id']), seen);
  flash(req, 'Selection removed. Its rows are unchanged.');
  res.redirect(303, '/selections');
}

/** Removes ticked rows from a selection. */
export async function removeRows(req: Request, res: Response) {
  const id = String(req.params['id']);
  const ticked = new Set(req.form.texts('rows'));
  if (ticked.size === 0) throw new Invalid({ rows: 'Tick the rows to remove from the selection.' });
  const removed = await shared.removeFrom(req.here.sql, id, ticked);
  flash(req, `${rowsText(removed)} removed from this selection.`);
  res.redirect(303, `/selections/${id}`);
}
