// The audit history: its page with filters, and its export.
import type { Request, Response } from 'express';
import { entityNamed, travelling } from '../catalog/index.ts';
import { exportLines, pageOf, type ChronologicalList } from '../web/chronological-list.ts';
import { plainColumn, type ExportColumn } from '../web/export.ts';
import { byDays, byPerson, whoAndWhen, type Asked, type ListFilter } from '../web/filter-bar.ts';
import { personName } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { numberOrNull } from '../web/request.ts';
import { transferHref } from '../web/transfer-href.ts';
import * as audit from './audit.ts';

export async function index(req: Request, res: Response) {
  const { lines, ...list } = await pageOf(req, await history(req));
  await page(req, res, 'audit/list', {
    title: 'Audit history',
    crumbs: [{ text: 'Audit history' }],
    ...list,
    lines: lines.map((line) => ({ ...line, transferHref: hrefOf(req, line) })),
  });
}

export const exportHistory = async (req: Request, res: Response) =>
  exportLines(req, res, await history(req), columns);

const history = async (req: Request): Promise<ChronologicalList<audit.FoundLine>> => ({
  path: '/audit',
  filters: filtersOf(await audit.actions(req.here.sql)),
  find: (asked, part) => audit.find(req.here.sql, filterOf(req, asked), part),
  idOf: ({ id }) => id,
});

const filtersOf = (actions: { action: string }[]): ListFilter[] => [
  byPerson,
  {
    kind: 'choice',
    name: 'action',
    label: 'Action',
    any: 'Any action',
    choices: actions.map(({ action }) => ({ value: action, text: action })),
  },
  {
    kind: 'choice',
    name: 'entity',
    label: 'Type',
    any: 'Any type',
    choices: travelling.map(({ name, label }) => ({ value: name, text: label.one })),
  },
  { kind: 'number', name: 'id', label: 'ID' },
  ...byDays,
];

const filterOf = (
  req: Request,
  { action = '', entity = '', id = '', ...others }: Asked,
): audit.Filter => ({
  ...whoAndWhen(req, others),
  action,
  entity,
  // A text that is not an ID must find nothing, so it is replaced by the ID 0, which no row has.
  rowId: id === '' ? null : (numberOrNull(id) ?? 0),
});

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

const hrefOf = ({ here }: Request, { transfer, kind, origin }: audit.FoundLine) =>
  transfer && kind ? transferHref(here, { transfer, kind, origin: origin ?? here.name }) : null;
