// Prepares the content of the page on which a person checks a data file before it is loaded.
import { bytes, count } from '../web/format.ts';
import { typeValue } from './check-form.ts';
import { listed } from './columns.ts';
import { askText, type Examined } from './examination.ts';
import type { ColumnFacts } from './reading/facts.ts';
import {
  columnTypes,
  formatsOf,
  type Choices,
  type Column,
  type Counts,
} from './reading/reading.ts';
import type { Datafile } from './registry.ts';
import { COLUMNS_SHOWN, shownColumns } from './wide.ts';

/** The page shows at most this many rejected lines; a person can download all of them. */
const REJECTS_SHOWN = 50;

/** The page shows at most this many of the questions about a file that only a person can answer. */
const QUESTIONS_SHOWN = 20;

const encodings = [
  'utf-8',
  'utf-16le',
  'utf-16be',
  'windows-1252',
  'windows-1250',
  'windows-1251',
  'windows-1253',
  'windows-1254',
  'iso-8859-2',
  'iso-8859-15',
  'koi8-r',
  'macintosh',
  'shift_jis',
  'euc-jp',
  'gb18030',
  'big5',
  'euc-kr',
];
const delimiters = [
  { value: ',', text: 'Comma' },
  { value: ';', text: 'Semicolon' },
  { value: 'tab', text: 'Tab' },
  { value: '|', text: 'Vertical bar' },
];
const formatTexts: Record<string, string> = {
  '1,234.5': 'such as 1,234.5',
  '1.234,5': 'such as 1.234,5',
  'd/m/y': 'day first',
  'm/d/y': 'month first',
  UTC: 'with time zone, stored in UTC',
  local: 'without time zone',
};
const typeOptions = columnTypes.flatMap((type) =>
  formatsOf[type].map((format) => ({
    value: typeValue({ type, format }),
    text: format === null ? type : `${type}, ${formatTexts[format] ?? format}`,
  })),
);

const isKnown = (encoding: string) => encodings.includes(encoding);

/** Returns the summary sentence: `9,998 of 10,001 lines become rows; 2 rejected, 1 empty`. */
export function countsText({
  lines,
  rows,
  rejects,
  empty,
  above,
  header,
  continued,
}: Counts): string {
  const others = [
    [rejects, 'rejected'],
    [empty, 'empty'],
    [header, 'header'],
    [above, 'above the header'],
    [continued, 'within a cell of several lines'],
  ] as const;
  const parts = others
    .filter(([number]) => number > 0)
    .map(([number, what]) => `${count(number)} ${what}`);
  const all = `${count(rows)} of ${count(lines)} lines become rows`;
  return parts.length === 0 ? `${all}.` : `${all}; ${parts.join(', ')}.`;
}

export function checkView(file: Datafile, examined: Examined, choices: Choices) {
  const { reading, counts, asks, columns, rejects, preview, above, differing, current } = examined;
  const askedColumns = new Set(asks.flatMap(({ column }) => column ?? []));
  const asksEncoding = asks.some(({ code }) => code === 'encoding');
  const before = new Map((current ?? []).map((column) => [column.name, column]));
  const all = columns.map((facts, index) =>
    columnView(facts, {
      column: reading.columns[index],
      isAsked: askedColumns.has(facts.name),
      former: before.get(facts.name),
      hasCurrent: current !== null,
    }),
  );
  const shown = shownColumns(
    all.length,
    (index) => all[index]?.isAsked === true || all[index]?.nearly !== null,
  );
  return {
    summary: countsText(counts),
    size: bytes(file.size),
    rows: counts.rows,
    questions: asks.slice(0, QUESTIONS_SHOWN).map(askText),
    moreQuestions: Math.max(0, asks.length - QUESTIONS_SHOWN),
    asksEncoding,
    encodings: [
      ...(asksEncoding ? [{ value: '', text: 'Choose' }] : []),
      ...(isKnown(reading.encoding) ? encodings : [reading.encoding, ...encodings]).map(
        (value) => ({
          value,
          text: value,
        }),
      ),
    ],
    encoding: asksEncoding ? '' : reading.encoding,
    delimiters,
    delimiter: reading.delimiter === '\t' ? 'tab' : reading.delimiter,
    headerLine: String(reading.headerLine ?? 'none'),
    headerOptions: headerOptions(reading.headerLine),
    fillShortRows: choices.fillShortRows === true,
    ignoreEmptySurplus: choices.ignoreEmptySurplus === true,
    columns: shown.flatMap((index) => all[index] ?? []),
    moreColumns: all.length - shown.length,
    previewNames: columns.slice(0, COLUMNS_SHOWN).map(({ name }) => name),
    typeOptions,
    preview,
    above,
    differing: listed(differing),
    rejects: rejects.slice(0, REJECTS_SHOWN),
    rejectCount: counts.rejects,
    byReason: Object.entries(Object.groupBy(rejects, ({ reason }) => reason)).map(
      ([reason, some]) => ({ reason: reasonTexts[reason] ?? reason, number: some.length }),
    ),
    strayQuotes: counts.strayQuotes,
  };
}

const reasonTexts: Record<string, string> = {
  cells: 'another number of cells than the header',
  quotes: 'a quote that is not closed',
  nul: 'a NUL character',
  'too-long': 'longer than 1 MB',
  type: 'a value that does not fit the type of its column',
};

function headerOptions(chosen: number | null) {
  const lines = Array.from({ length: Math.max(20, chosen ?? 0) }, (_, index) => index + 1);
  return [
    { value: 'none', text: 'No header: the first line is a row' },
    ...lines.map((line) => ({ value: String(line), text: `Line ${line}` })),
  ];
}

type ColumnContext = {
  column: Column | undefined;
  isAsked: boolean;
  former: Column | undefined;
  hasCurrent: boolean;
};

function columnView(
  { name, empty, filled, nullWords, samples, nearest, misfits }: ColumnFacts,
  { column, isAsked, former, hasCurrent }: ColumnContext,
) {
  const type = column ?? { type: 'text' as const, format: null };
  const isNearer = nearest !== null && misfits.length > 0 && nearest.type !== type.type;
  return {
    name,
    value: isAsked ? '' : typeValue(type),
    isAsked,
    empty,
    /**
     * How many cells hold a word for “no value”, such as N/A: the load turns these cells into empty
     * cells, except in text columns.
     */
    emptied: type.type === 'text' ? 0 : nullWords,
    filled,
    samples,
    nearly: isNearer
      ? {
          text: `${count(nearest.cells)} of ${count(filled)} are ${nearest.type}`,
          misfits,
        }
      : null,
    change: changeText(type, former, hasCurrent),
  };
}

function changeText(
  { type }: Pick<Column, 'type'>,
  former: Column | undefined,
  hasCurrent: boolean,
): string {
  if (!hasCurrent) return '';
  if (!former) return 'new';
  return former.type === type ? 'same' : `was ${former.type}`;
}
