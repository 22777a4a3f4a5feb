// The page that lists transfers with filters, and the export of that list.
import type { Request, Response } from 'express';
import { exportLines, pageOf, type ChronologicalList } from '../web/chronological-list.ts';
import { plainColumn, type ExportColumn } from '../web/export.ts';
import { byDays, byPerson, whoAndWhen, type Asked, type ListFilter } from '../web/filter-bar.ts';
import { personName } from '../web/format.ts';
import { page } from '../web/pages.ts';
import * as journal from '../writing/journal.ts';
import { find, type ListedTransfer, type TransferFilter } from './list.ts';
import { listLine, stateTexts } from './view.ts';

export async function index(req: Request, res: Response) {
  const { lines, ...list } = await pageOf(req, transfers(req));
  await page(req, res, 'transfers/list', {
    title: 'Transfers',
    crumbs: [{ text: 'Transfers' }],
    ...list,
    lines: lines.map(listLine),
  });
}

export const exportTransfers = (req: Request, res: Response) =>
  exportLines(req, res, transfers(req), columns);

const transfers = (req: Request): ChronologicalList<ListedTransfer> => ({
  path: '/transfers',
  filters,
  find: (asked, part) => find(req.here.sql, { ...filterOf(req, asked), ...part }),
  idOf: ({ number }) => number,
});

/**
 * The choices of the filter by state: *In progress* for all states of a running transfer, and one choice for each other
 * state.
 */
const states = [
  { value: 'in_progress', text: 'In progress', states: journal.liveStates },
  ...stateTexts.map(([state, text]) => ({ value: state, text, states: [state] })),
];

const filters: ListFilter[] = [
  {
    kind: 'choice',
    name: 'state',
    label: 'State',
    any: 'Any state',
    choices: states,
  },
  byPerson,
  ...byDays,
];

const filterOf = (req: Request, { state = '', ...others }: Asked): TransferFilter => ({
  ...whoAndWhen(req, others),
  states: states.find(({ value }) => value === state)?.states ?? [],
});

const columns: ExportColumn<ListedTransfer>[] = [
  plainColumn('number', 'Number', ({ number }) => number),
  plainColumn('name', 'Transfer', ({ name }) => name),
  plainColumn('kind', 'Kind', (line) => listLine(line).kindText),
  plainColumn('rows', 'Rows', ({ steps }) => steps),
  plainColumn('state', 'State', (line) => listLine(line).stateText),
  plainColumn('reason', 'Reason', ({ reason }) => reason),
  plainColumn('person', 'Person', ({ person }) => person),
  plainColumn('person_name', 'Name', ({ person }) => personName(person)),
  plainColumn('created_at', 'When (UTC)', ({ created_at: at }) => at),
];
