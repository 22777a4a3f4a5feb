// The page that lists people with filters, and the export of that list.
import type { Request, Response } from 'express';
import { labelsOf } from '../access/permission-words.ts';
import { grantable } from '../access/permissions.ts';
import { exportFormatIn, plainColumn, sendExport, type ExportColumn } from '../web/export.ts';
import {
  askedIn,
  filterBar,
  hrefOf,
  queryOf,
  type Asked,
  type ListFilter,
} from '../web/filter-bar.ts';
import { page } from '../web/pages.ts';
import { paginate } from '../web/paginate.ts';
import { numberOrNull } from '../web/request.ts';
import { accountLooks, everyone, type PersonLine } from './across.ts';

const filtersFor = ({ here }: Request): ListFilter[] => [
  { kind: 'text', name: 'q', label: 'Name or e-mail' },
  {
    kind: 'choice',
    name: 'state',
    label: 'State',
    any: 'Any state',
    choices: Object.entries(accountLooks).map(([value, { text }]) => ({ value, text })),
  },
  {
    kind: 'choice',
    name: 'permission',
    label: 'Permission',
    any: 'Any permission',
    choices: grantable(here.setup).map((name) => ({ value: name, text: labelsOf([name]) })),
  },
];

export async function index(req: Request, res: Response) {
  const filters = filtersFor(req);
  const asked = askedIn(req.query, filters);
  const { columns, lines } = await everyone(req.here);
  const found = paginate(matching(lines, asked), numberOrNull(req.query['page']));
  const query = queryOf(filters, asked);
  await page(req, res, 'people/list', {
    title: 'People',
    bar: filterBar(req, '/people', filters, asked),
    columns,
    lines: found.shown,
    pager: {
      ...found,
      shown: found.shown.length,
      address: (number: number) => hrefOf('/people', { ...query, page: String(number) }),
    },
  });
}

/**
 * Finds the people whose name or e-mail contains `q`. In at least one environment, the person’s account must have both
 * the wanted state and the wanted permission.
 */
function matching(lines: PersonLine[], { q = '', state = '', permission = '' }: Asked) {
  const wanted = q.toLowerCase();
  return lines.filter(
    ({ name, email, cells }) =>
      `${name}\n${email}`.toLowerCase().includes(wanted) &&
      cells.some(
        ({ account }) =>
          account !== null &&
          (state === '' || account.state === state) &&
          (permission === '' || account.permissions.some((one) => one === permission)),
      ),
  );
}

/** Sends the people who match the filters as a file, CSV or JSON. */
export async function exportPeople(req: Request, res: Response) {
  const format = exportFormatIn(req.query);
  const { columns, lines } = await everyone(req.here);
  const found = matching(lines, askedIn(req.query, filtersFor(req)));
  const file = {
    name: `people_${req.here.name}`,
    format,
    columns: columnsOf(columns),
  };
  await sendExport(res, file, inOnePart(found));
}

async function* inOnePart<T>(lines: T[]) {
  yield lines;
}

const columnsOf = (environments: { name: string; label: string }[]): ExportColumn<PersonLine>[] => [
  plainColumn('name', 'Name', ({ name }) => name),
  plainColumn('email', 'E-mail', ({ email }) => email),
  ...environments.flatMap(({ name, label }, index) => {
    const cellOf = ({ cells }: PersonLine) => cells[index];
    return [
      plainColumn(`${name}_state`, label, (line: PersonLine) => {
        const cell = cellOf(line);
        if (cell?.account) return cell.account.look.text;
        return cell?.isUnknown ? 'Not known' : 'No account';
      }),
      plainColumn(
        `${name}_permissions`,
        `${label}: permissions`,
        (line: PersonLine) => cellOf(line)?.account?.may ?? null,
      ),
    ];
  }),
];
