// Describes what a person leaves behind in an environment when the account is closed, such as unfinished jobs, with
// links to the pages on which other people can take over these things.
import { plural } from '../web/format.ts';
import type { Staying } from './staying.ts';

type Kind = { one: string; many: string; path: string | null; note: string };

const kinds: Record<keyof Staying, Kind> = {
  historyLines: {
    one: 'line of the audit history',
    many: 'lines of the audit history',
    path: '/audit',
    note: 'kept under their name',
  },
  changedRows: {
    one: 'row that they changed last',
    many: 'rows that they changed last',
    path: null,
    note: 'kept; anyone may continue the work',
  },
  heldRows: {
    one: 'row marked Not for production',
    many: 'rows marked Not for production',
    path: null,
    note: 'stay marked until someone removes the mark',
  },
  selections: {
    one: 'selection that was not transferred',
    many: 'selections that were not transferred',
    path: '/selections',
    note: 'stay; every product manager can transfer them',
  },
  schedules: {
    one: 'selection that they scheduled',
    many: 'selections that they scheduled',
    path: '/selections',
    note: 'not sent at their times: another product manager schedules them',
  },
  apiKeys: {
    one: 'API key that they made',
    many: 'API keys that they made',
    path: '/api-keys',
    note: 'go on working: rotate those whose secret they know',
  },
  sources: {
    one: 'source of data files that they added',
    many: 'sources of data files that they added',
    path: '/sources',
    note: 'go on fetching at their times',
  },
  stagingJobs: {
    one: 'staging job',
    many: 'staging jobs',
    path: '/staging/jobs',
    note: 'stay; anyone who may run them can',
  },
  stagingDatabases: {
    one: 'staging database that they ordered',
    many: 'staging databases that they ordered',
    path: '/databases',
    note: 'kept until they end by themselves',
  },
  unfinishedJobs: {
    one: 'job under way',
    many: 'jobs under way',
    path: '/jobs',
    note: 'are completed',
  },
};

/**
 * Lists what stays when an account is closed, each kind with a link to its page on the server with this URL.
 */
export const stayingInWords = (staying: Staying, url: string) =>
  Object.entries(kinds).flatMap(([name, { path, note, ...words }]) => {
    const number = staying[name as keyof Staying];
    if (number === 0) return [];
    return [{ text: plural(number, words), note, href: path && `${url}${path}` }];
  });
