// The filters above a list: what its URL asks for, the inputs that a page shows, and a chip for each active filter (a
// small label with a link that removes the filter).
import type { Request } from 'express';
import type { WhoAndWhen } from '../database/newest-first.ts';
import { exportFormats } from './export.ts';
import { formatDay } from './format.ts';
import { textIn } from './request.ts';
import { viewer, zoneOf } from './viewer.ts';
import { endOfDay, startOfDay } from './zoned-day.ts';

type Choice = { value: string; text: string };

/** A filter of a list. `name`: its parameter in the URL. */
export type ListFilter = {
  name: string;
  label: string;
  /** The shorter label for the chip of the active filter; by default the chip shows `label`. */
  short?: string;
} & (
  | { kind: 'text' | 'number' | 'day' }
  | {
      kind: 'choice';
      /** The text of the choice that matches everything, such as `Any state`. */
      any: string;
      choices: Choice[];
      /**
       * The choice that applies when the URL does not contain this filter; by default the choice that matches
       * everything.
       */
      usual?: string;
    }
);

/** A filter as an input on a page. Each kind has a template (partial) with its name in views/web/filters. */
export type FilterInput = {
  id: string;
  name: string;
  label: string;
  kind: ListFilter['kind'] | 'search' | 'picker';
  value: string;
  choices?: Choice[];
  optionsHref?: string;
};

/** The value of each filter by its name; empty for a filter that is not active. */
export type Asked = Record<string, string>;

export const byPerson: ListFilter = {
  kind: 'text',
  name: 'person',
  label: 'Person (name or e-mail)',
  short: 'Person',
};
export const byDays: ListFilter[] = [
  { kind: 'day', name: 'from', label: 'From' },
  { kind: 'day', name: 'to', label: 'Until' },
];

/**
 * The value in a URL for the choice that matches everything. It is needed if a URL without the filter stands for
 * another choice.
 */
const ALL = 'all';

/** Reads the filters from a URL. A choice or a day that does not exist is ignored. */
export const askedIn = (query: Request['query'], filters: ListFilter[]): Asked =>
  Object.fromEntries(filters.map((filter) => [filter.name, askedFor(query, filter)]));

function askedFor(query: Request['query'], filter: ListFilter): string {
  const asked = textIn(query, filter.name).slice(0, 200);
  if (filter.kind === 'day') return startOfDay(asked, 'UTC') === null ? '' : asked;
  if (filter.kind !== 'choice') return asked;
  if (filter.choices.some(({ value }) => value === asked)) return asked;
  return asked === ALL ? '' : usualOf(filter);
}

const usualOf = (filter: ListFilter) => (filter.kind === 'choice' ? (filter.usual ?? '') : '');

/** Returns the URL parameters that set these filters again. */
export const queryOf = (filters: ListFilter[], asked: Asked): Asked =>
  Object.fromEntries(
    filters.flatMap((filter) => {
      const value = asked[filter.name] ?? '';
      return value === usualOf(filter) ? [] : [[filter.name, value || ALL]];
    }),
  );

/** Returns what a page shows of its filters. `path`: the path of the list. */
export function filterBar(req: Request, path: string, filters: ListFilter[], asked: Asked) {
  const query = queryOf(filters, asked);
  return {
    path,
    inputs: filters.map((filter) => inputOf(filter, asked[filter.name] ?? '')),
    chips: filters.flatMap((filter) => {
      const { [filter.name]: value, ...others } = query;
      if (value === undefined) return [];
      return [{ text: chipText(filter, value), href: hrefOf(path, others) }];
    }),
    /** Why the filters match nothing, whatever the list contains; empty if they can match. */
    problem: isBackwards(asked) ? 'From is after Until. Choose an earlier day for From.' : '',
    /** The time zone in which the days of the filters begin and end; null if the list is not filtered by day. */
    zone: filters.some(({ kind }) => kind === 'day') ? zoneOf(req) : null,
    exports: exportFormats.map((format) => ({
      text: format.toUpperCase(),
      href: hrefOf(`${path}/export`, { ...query, format }),
    })),
  };
}

const isBackwards = ({ from = '', to = '' }: Asked) => from !== '' && to !== '' && from > to;

export const hrefOf = (path: string, query: Asked) => {
  const text = new URLSearchParams(query).toString();
  return text === '' ? path : `${path}?${text}`;
};

function inputOf(filter: ListFilter, value: string): FilterInput {
  const { name, label, kind } = filter;
  const input = { id: `by-${name}`, name, label, kind, value };
  if (kind !== 'choice') return input;
  const any = { value: usualOf(filter) === '' ? '' : ALL, text: filter.any };
  return { ...input, value: value || any.value, choices: [any, ...filter.choices] };
}

function chipText(filter: ListFilter, value: string): string {
  const label = filter.short ?? filter.label;
  if (filter.kind === 'day') return `${label} ${formatDay(value)}`;
  if (filter.kind !== 'choice') return `${label}: ${value}`;
  return `${label}: ${filter.choices.find((one) => one.value === value)?.text ?? filter.any}`;
}

/** Converts the filters by person and by day into e-mails and instants, by which a list is queried. */
export function whoAndWhen(req: Request, { person = '', from = '', to = '' }: Asked): WhoAndWhen {
  const zone = zoneOf(req);
  return {
    people: person === '' ? null : emailsOf(person),
    from: startOfDay(from, zone),
    until: endOfDay(to, zone),
  };
}

/** Returns the e-mails of the people whose name is `person`, and `person` itself, which may be an e-mail. */
function emailsOf(person: string): string[] {
  const wanted = person.toLowerCase();
  const named = [...viewer().names].filter(([, name]) => name.toLowerCase() === wanted);
  return [person, ...named.map(([email]) => email)];
}
