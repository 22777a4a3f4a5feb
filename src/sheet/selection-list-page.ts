// The page that lists kept selections with filters, and the export of that list.
import type { Request, Response } from 'express';
import { keyText } from '../catalog/entity.ts';
import { LINES } from '../database/newest-first.ts';
import type { App } from '../environments/app.ts';
import { titlesOf } from '../state/untouched.ts';
import { exportFormatIn, plainColumn, sendExport, type ExportColumn } from '../web/export.ts';
import {
  askedIn,
  byDays,
  byPerson,
  filterBar,
  hrefOf,
  queryOf,
  whoAndWhen,
  type Asked,
  type ListFilter,
} from '../web/filter-bar.ts';
import { countsByType, nameOfRows, personName } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { nearestPage } from '../web/paginate.ts';
import { can, numberOrNull } from '../web/request.ts';
import * as kept from './kept-selections.ts';
import { newestOf } from './schedules.ts';

const filters: ListFilter[] = [
  {
    kind: 'choice',
    name: 'state',
    label: 'State',
    any: 'Open and sent',
    choices: [
      { value: 'open', text: 'Open' },
      { value: 'sent', text: 'Sent' },
    ],
  },
  byPerson,
  ...byDays,
];

const filterOf = (req: Request, { state = '', ...others }: Asked): kept.KeptFilter => ({
  ...whoAndWhen(req, others),
  isOpen: state === '' ? null : state === 'open',
});

export async function index(req: Request, res: Response) {
  const { here } = req;
  const asked = askedIn(req.query, filters);
  const filter = filterOf(req, asked);
  const all = await kept.count(here.sql, filter);
  const { number, pages, from } = nearestPage(all, numberOrNull(req.query['page']), LINES);
  const list = await shownOf(here, await kept.list(here.sql, filter, { from, limit: LINES }));
  const query = queryOf(filters, asked);
  const bar = filterBar(req, '/selections', filters, asked);
  const sections = [
    { heading: 'Open', list: list.filter(({ isOpen }) => isOpen) },
    { heading: 'Sent', list: list.filter(({ isOpen }) => !isOpen) },
  ];
  await page(req, res, 'sheet/selections', {
    title: 'Selections',
    crumbs: [{ text: 'Selections' }],
    bar,
    sections: sections.filter((section) => section.list.length > 0),
    pager: {
      from,
      shown: list.length,
      all,
      page: number,
      pages,
      address: (wanted: number) => hrefOf('/selections', { ...query, page: String(wanted) }),
    },
  });
}

async function shownOf(here: App, selections: kept.KeptSelection[]) {
  const ids = selections.map(({ id }) => id);
  const sent = await kept.sentFrom(here.sql, ids);
  const schedules = await newestOf(here.sql, ids);
  const few = selections.flatMap(({ keys }) => (keys.length <= 2 ? keys : []));
  const titles = await titlesOf(here, few);
  return selections.map((one) => {
    const rows = one.keys.map((key) => ({
      ...key,
      title: titles.get(keyText(key)) ?? String(key.id),
    }));
    const schedule = schedules.get(one.id) ?? null;
    const isScheduled = schedule !== null && schedule.ended_at === null;
    return {
      ...one,
      name: one.name || nameOfRows(rows),
      sent: sent.get(one.id) ?? [],
      schedule,
      isScheduled,
      isRemovable: !one.hasTransfer && !isScheduled,
      kinds: countsByType(rows) || 'No rows yet',
    };
  });
}

type Shown = Awaited<ReturnType<typeof shownOf>>[number];

/**
 * How many selections an export reads at once. Each may have 10,000 rows, and all rows of these selections are in
 * memory.
 */
const PART = 10;

export async function exportSelections(req: Request, res: Response) {
  const format = exportFormatIn(req.query);
  const filter = filterOf(req, askedIn(req.query, filters));
  const parts = partsOf(req.here, filter);
  await sendExport(res, { name: `selections_${req.here.name}`, format, columns }, parts);
}

async function* partsOf(here: App, filter: kept.KeptFilter): AsyncGenerator<Shown[]> {
  for (let from = 0; ; from += PART) {
    const part = await kept.list(here.sql, filter, { from, limit: PART });
    yield await shownOf(here, part);
    if (part.length < PART) return;
  }
}

const columns: ExportColumn<Shown>[] = [
  plainColumn('name', 'Selection', ({ name }) => name),
  plainColumn('state', 'State', ({ isOpen }) => (isOpen ? 'Open' : 'Sent')),
  plainColumn('reason', 'Reason', ({ reason }) => reason),
  plainColumn('rows', 'Rows', ({ keys }) => keys.length),
  plainColumn('types', 'Types', ({ kinds }) => kinds),
  plainColumn('transfers', 'Transfers', ({ sent }) => sent.join(', ')),
  plainColumn('person', 'Person', ({ person }) => person),
  plainColumn('person_name', 'Name', ({ person }) => personName(person)),
  plainColumn('started_at', 'Started (UTC)', ({ at }) => at),
];

/** Reads the open selections that *Add to…* offers on a page: none to a person who may not transfer. */
export const offeredSelections = async (req: Request) =>
  can(req, 'transfer') ? kept.openSelections(req.here.sql) : [];
