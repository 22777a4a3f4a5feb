// The sheet and its click, the same for a transfer, an undo and what is brought back.
import { v7 as uuid } from 'uuid';
import type { Request, Response } from 'express';
import { keyText, titleOf } from '../catalog/entity.ts';
import { entityNamed, travelling } from '../catalog/index.ts';
import { readOne } from '../environments/row-store.ts';
import * as jobs from '../jobs/jobs.ts';
import * as journal from '../journal/journal.ts';
import { isStaging } from '../access/permissions.ts';
import { see } from './compare.ts';
import { Conflict, Invalid, NotFound, Problem, Unavailable } from '../problems.ts';
import { flash, page } from '../web/pages.ts';
import * as identity from '../editing/identity.ts';
import { accountOf, addressed, authorOf, numberOrNull, textIn } from '../web/request.ts';
import type { Choices } from './choices.ts';
import { rehearse } from './rehearsal.ts';
import * as selections from './selections.ts';
import type { SelectionKind } from './selections.ts';
import { roadOf, roleOf, sheetKinds, sheetPage } from './sheet-page.ts';
import * as transfers from './transfers.ts';
import { jobOf } from './background.ts';

export const showSheet = (kind: SelectionKind) => (req: Request, res: Response) =>
  sheetPage(req, res, { kind, key: uuid(), problem: '' });

/** What was decided on the sheet; the sheet is then shown anew. */
export const decide = (kind: SelectionKind) => async (req: Request, res: Response) => {
  const id = String(req.params['id']);
  const selection = await selections.find(req.here.sql, id, kind);
  await selections.decide(req.here.sql, id, decided(req.body, selection));
  res.redirect(303, addressOf(kind, id, req.body));
};

/** The sheet at the page of rows that is to be shown next. */
function addressOf(kind: SelectionKind, id: string, body: unknown): string {
  const page = numberOrNull(textIn(body, 'turn')) ?? numberOrNull(textIn(body, 'page')) ?? 1;
  return `${sheetKinds[kind].path}/${id}${page > 1 ? `?page=${page}` : ''}`;
}

function decided(body: unknown, selection: selections.Selection): selections.Decided {
  const fields = (body ?? {}) as Record<string, unknown>;
  const texts = (name: string) => [fields[name] ?? []].flat().map(String);
  const lists = (name: string) => texts(name).flatMap((list) => list.split(' ').filter(Boolean));
  const added = lists('add');
  const removed = new Set(lists('leave'));
  const keys = [...selection.keys, ...(added.length > 0 ? selections.parseKeys(added) : [])].filter(
    (key) => !removed.has(keyText(key)),
  );
  // Of rows on other pages of the sheet, what was decided before stands.
  const shown = new Set(lists('shown'));
  const others = <T>(decisions: Record<string, T>) =>
    Object.fromEntries(Object.entries(decisions).filter(([text]) => !shown.has(text)));
  const { kept, locals } = selection.choices;
  const choices: Choices = {
    include: texts('include'),
    create: texts('create'),
    resend: fields['resend'] === 'yes',
    kept: { ...others(kept), ...keptIn(texts('keep')) },
    locals: { ...others(locals), ...localsIn(fields['local']) },
    again: lists('again'),
    overwrite: textIn(fields, 'overwrite'),
    remove: textIn(fields, 'remove'),
    typedFor: textIn(fields, 'plan'),
  };
  if (keys.length === 0) {
    throw new Invalid({ rows: 'The last row of a transfer cannot be left out' });
  }
  return {
    choices,
    keys: [...new Map(keys.map((key) => [keyText(key), key])).values()],
    name: textIn(fields, 'name') || (selection.kind === 'transfer' ? '' : selection.name),
    reason: textIn(fields, 'reason').slice(0, 500) || null,
  };
}

/** `form:12/description` says that this field of that row stays as it is there. */
function keptIn(texts: string[]): Choices['kept'] {
  const kept: Choices['kept'] = {};
  for (const text of texts) {
    const [key = '', field = ''] = text.split('/');
    kept[key] = [...(kept[key] ?? []), field];
  }
  return kept;
}

/** `local[external_tool:5][endpoint]=…` */
function localsIn(posted: unknown): Choices['locals'] {
  const locals: Choices['locals'] = {};
  for (const [key, values] of Object.entries((posted ?? {}) as Record<string, object>)) {
    const texts = Object.entries(values).filter(([, value]) => typeof value === 'string');
    locals[key] = Object.fromEntries(texts);
  }
  return locals;
}

/** The click. Anything that moved since the sheet was shown brings a fresh sheet. */
export const send = (kind: SelectionKind) => async (req: Request, res: Response) => {
  const id = textIn(req.body, 'selection');
  const selection = await selections.find(req.here.sql, id, kind);
  const now = decided(req.body, selection);
  await selections.decide(req.here.sql, id, now);
  // A tick that was set in the last moment has not been looked at yet.
  if (selections.goes({ ...selection, ...now }) !== selections.goes(selection)) {
    flash(req, 'The sheet shows your choices now. Look at it once more, then confirm.');
    return res.redirect(303, addressOf(kind, id, req.body));
  }
  try {
    const transfer = await transfers.send(
      roadOf(req, kind),
      { ...selection, ...now },
      {
        planHash: textIn(req.body, 'plan'),
        idempotencyKey: textIn(req.body, 'idempotency_key'),
        name: now.name,
        reason: now.reason,
        person: accountOf(req).email,
        role: roleOf(req),
        handOver: (sent) => inTheBackground(req, sent),
      },
    );
    res.redirect(303, `/transfers/${transfer.number}`);
  } catch (error) {
    if (!(error instanceof Problem) || error instanceof Unavailable) throw error;
    req.params['id'] = id;
    res.status(error.status);
    await sheetPage(req, res, { kind, key: uuid(), problem: error.message });
  }
};

/** A large transfer runs as a job; its page shows how far it is. */
async function inTheBackground({ here, line }: Request, { id, name, person }: journal.Transfer) {
  const { job } = await jobs.request(here.sql, {
    ...{ kind: 'transfer', name, person, input: { transfer: id } },
    onlyOne: jobOf(id),
  });
  await line.push(job);
}

/** Tries the sheet on the destination's MySQL, and takes it back at once. */
export const showRehearsal = (kind: SelectionKind) => async (req: Request, res: Response) => {
  const id = String(req.params['id']);
  const selection = await selections.find(req.here.sql, id, kind);
  const now = decided(req.body, selection);
  await selections.decide(req.here.sql, id, now);
  const rehearsal = await rehearse(roadOf(req, kind), { ...selection, ...now });
  await sheetPage(req, res, { kind, key: uuid(), problem: '', rehearsal });
};

/** A transfer's rows, or those that were ticked, are to be taken back. */
export async function chooseUndo(req: Request, res: Response) {
  const { sql: on } = req.here;
  const transfer = await journal.byNumber(on, numberOrNull(req.params['number']) ?? 0);
  if (!transfer) throw new NotFound('There is no such transfer.');
  const { rows } = (req.body ?? {}) as { rows?: string | string[] };
  const keys = await selections.keysToUndo(on, transfer, [rows ?? []].flat());
  const id = await selections.create(on, accountOf(req).email, selections.undoOf(transfer, keys));
  res.redirect(303, `/undos/${id}`);
}

/** Which row of production's? One that was never here, or is here no more. */
export async function showBringBack(req: Request, res: Response) {
  await page(req, res, 'promotion/bring-back', {
    title: 'Bring back from production',
    crumbs: [{ text: 'Bring back' }],
    entities: travelling,
    entity: textIn(req.query, 'entity'),
    id: textIn(req.query, 'id'),
  });
}

/** A row of production's, to be brought back into this environment. */
export async function chooseBringBack(req: Request, res: Response) {
  const id = numberOrNull(textIn(req.body, 'id'));
  const name = textIn(req.body, 'entity');
  if (id === null || name === '') {
    throw new Invalid({ id: 'Choose a type and enter an ID, such as 412' });
  }
  const keys = selections.parseKeys(`${name}:${id}`);
  const entity = entityNamed(name);
  const road = roadOf(req, 'bring-back');
  const row = await readOne(road.here, { entity: name, id });
  if (!row)
    throw new NotFound(`There is no ${entity.label.one.toLowerCase()} ${id} in production.`);
  const selection = await selections.create(req.here.sql, accountOf(req).email, {
    ...{ keys, kind: 'bring-back', name: `${titleOf(entity, row)} brought back` },
  });
  res.redirect(303, `/bring-backs/${selection}`);
}

/** *It is another row*: ours gets an ID of its own, and the selection follows it. */
export async function giveNewId(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const road = roadOf(req);
  const key = { entity: entity.name, id };
  const sight = (await see(req.here, road.there, [key])).get(keyText(key));
  if (!isStaging(req.here.grounds) || sight?.status !== 'Not known to be the same row') {
    throw new Conflict('A row gets a new ID only where another row may stand under its ID there.');
  }
  const home = { here: req.here, lease: road.lease };
  const next = await identity.giveNewId(home, authorOf(req), entity, id);
  flash(req, `${entity.label.one} ${id} has the ID ${next.id} now. What refers to it was changed.`);
  const selection = textIn(req.body, 'selection');
  if (selection !== '') {
    const old = await selections.find(req.here.sql, selection);
    const keys = old.keys.map((key) => (key.entity === entity.name && key.id === id ? next : key));
    await selections.decide(req.here.sql, selection, { ...old, keys });
    return res.redirect(303, `/selections/${selection}`);
  }
  res.redirect(303, `/catalog/${entity.name}/${next.id}`);
}
