// The audit history: its page with filters, and its export.
import type { Request, Response } from 'express';
import { entityNamed, travelling } from '../catalog/index.ts';
import { NotFound } from '../problems.ts';
import { exportFormats, plainColumn, sendExport, type ExportColumn } from '../web/export.ts';
import { personName } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { olderHref } from '../web/paginate.ts';
import { numberOrNull, textIn } from '../web/request.ts';
import { transferHref } from '../web/transfer-href.ts';
import { viewer, zoneOf } from '../web/viewer.ts';
import { endOfDay, startOfDay } from '../web/zoned-day.ts';
import * as audit from './audit.ts';

/** The filters of the page, as they stand in its URL. */
const filterNames = ['person', 'action', 'entity', 'id', 'from', 'to'] as const;
type Asked = Record<(typeof filterNames)[number], string>;

/** How many lines a page shows. */
const LINES = 50;

export async function index(req: Request, res: Response) {
  const { here } = req;
  const asked = askedIn(req);
  const before = numberOrNull(req.query['before']);
  const lines = await audit.find(here.sql, filterOf(req, asked), { before, limit: LINES });
  await page(req, res, 'audit/list', {
    title: 'Audit history',
    crumbs: [{ text: 'Audit history' }],
    filter: asked,
    zone: zoneOf(req),
    types: travelling,
    lines: lines.map((line) => ({ ...line, transferHref: hrefOf(req, line) })),
    actions: await audit.actions(here.sql),
    exports: exportFormats.map((format) => ({
      text: format.toUpperCase(),
      href: `/audit/export?${new URLSearchParams({ ...given(asked), format }).toString()}`,
    })),
    olderHref: olderHref('/audit', asked, lines.length, lines.at(-1)?.id),
  });
}

/** Sends all lines that match the filters as a file, CSV or JSON. */
export async function exportLines(req: Request, res: Response) {
  const format = exportFormats.find((one) => one === textIn(req.query, 'format'));
  if (!format) throw new NotFound('The audit history is exported as csv or json.');
  const lines = audit.findAll(req.here.sql, filterOf(req, askedIn(req)));
  await sendExport(res, { name: `audit_${req.here.name}`, format, columns }, lines);
}

const columns: ExportColumn<audit.FoundLine>[] = [
  plainColumn('at', 'When (UTC)', ({ at }) => at),
  plainColumn('person', 'Person', ({ person }) => person),
  plainColumn('name', 'Name', ({ person }) => personName(person)),
  plainColumn('action', 'Action', ({ action }) => action),
  plainColumn('subject', 'What', ({ subject }) => subject),
  plainColumn('detail', 'Detail', ({ detail }) => detail ?? ''),
  plainColumn('type', 'Type', ({ entity }) => (entity ? entityNamed(entity).label.one : '')),
  plainColumn('id', 'ID', ({ row_id: id }) => id ?? ''),
  plainColumn('transfer', 'Transfer', ({ transfer }) => transfer ?? ''),
];

const askedIn = (req: Request) =>
  Object.fromEntries(filterNames.map((name) => [name, textIn(req.query, name).trim()])) as Asked;

const given = (asked: Asked) =>
  Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ''));

function filterOf(req: Request, { person, action, entity, id, from, to }: Asked): audit.Filter {
  const zone = zoneOf(req);
  return {
    people: person === '' ? null : emailsOf(person),
    action,
    entity,
    // No row has the ID 0, so a text that is no ID finds nothing.
    rowId: id === '' ? null : (numberOrNull(id) ?? 0),
    from: startOfDay(from, zone),
    until: endOfDay(to, zone),
  };
}

/** Returns the e-mails of the people with this name, and the text itself, which may be an e-mail. */
function emailsOf(person: string): string[] {
  const wanted = person.toLowerCase();
  const named = [...viewer().names].filter(([, name]) => name.toLowerCase() === wanted);
  return [person, ...named.map(([email]) => email)];
}

const hrefOf = ({ here }: Request, { transfer, kind, origin }: audit.FoundLine) =>
  transfer && kind ? transferHref(here, { transfer, kind, origin: origin ?? here.name }) : null;
