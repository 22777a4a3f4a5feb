// Stores data sources. A data source is a publisher’s index (list of files) from which Oneway fetches the data files of
// one dataset.
import { getNextMillis } from 'bullmq';
import { z } from 'zod';
import * as audit from '../audit/audit.ts';
import { first, run, runForId, select, sql, transaction, type Queryable } from '../database/sql.ts';
import { isLoopback } from '../environments/urls.ts';
import type { App } from '../environments/app.ts';
import { forgetSchedule } from '../jobs/schedules.ts';
import { Conflict, Invalid, NotFound, parsed } from '../problems.ts';
import { requiredLine } from '../typed-text.ts';
import { hostOf, isAllowedAddress, literalOf } from './addresses.ts';
import { isKind, kindNames, kinds, type KindName } from './index.ts';

export type Source = {
  id: number;
  name: string;
  kind: KindName;
  url: string;
  /** The options of the data source’s kind, as JSON. */
  options: string;
  /** Other hosts from which files may be fetched, with spaces between them. */
  hosts: string;
  /**
   * The <name> in the setting SOURCE_CREDENTIAL_<name>. The value of the credential is only in the
   * settings, never in the database.
   */
  credential: string | null;
  dataset: number;
  cron: string;
  active: 0 | 1;
  /**
   * Every change raises this number. A save from a page that showed a lower number is refused, so
   * that nobody overwrites the change of another person.
   */
  revision: number;
  created_by: string;
  created_at: string;
};

export const optionsOf = ({ options }: Source) => JSON.parse(options) as Record<string, string>;
const hostsIn = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

export const list = (on: Queryable) => select<Source>(on, sql`select * from source order by name`);

export const active = (on: Queryable) =>
  select<Source>(on, sql`select * from source where active order by name`);

/**
 * Reads a data source.
 * @throws NotFound if no source has this id
 */
export async function known(on: Queryable, id: number): Promise<Source> {
  const found = await first<Source>(on, sql`select * from source where id = ${id}`);
  if (!found) throw new NotFound('There is no such source.');
  return found;
}

export const named = (on: Queryable, name: string) =>
  first<Source>(on, sql`select * from source where name = ${name}`);

export type PostedSource = {
  kind?: string;
  name?: string;
  url?: string;
  hosts?: string;
  credential?: string;
  dataset?: string;
  cron?: string;
  active?: string;
  options?: Record<string, string>;
};

/**
 * Validates the URL of an index. A URL that was typed without a scheme, such as
 * `statistics.example/files`, gets one.
 */
const address = z
  .string({ error: 'Enter the address of the index' })
  .transform((typed, context) => {
    const text = typed.trim();
    const url = URL.parse(
      /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${schemeOf(text)}://${text}`,
    );
    const message =
      !url || text === '' || !/^https?:$/.test(url.protocol)
        ? 'Enter the address of the index: https://statistics.example/files.json'
        : url.username || url.password
          ? 'An address holds no password: an engineer sets it as SOURCE_CREDENTIAL_…, and you choose it below'
          : url.href.length > 500
            ? 'The address must be 500 characters or fewer'
            : null;
    if (url && message === null) {
      url.hash = '';
      return url.href;
    }
    context.addIssue({ code: 'custom', message: message ?? '' });
    return z.NEVER;
  });

const schemeOf = (text: string) => {
  const url = URL.parse(`http://${text}`);
  return url && isLoopback(url) ? 'http' : 'https';
};

const hosts = z
  .string()
  .default('')
  .transform((typed, context) => {
    const found = hostsIn(typed).map((host) => ({ host, url: URL.parse(`https://${host}`) }));
    const wrong = found.find(
      ({ url }) => !url || url.pathname !== '/' || url.search !== '' || url.username !== '',
    );
    if (wrong || typed.length > 2000) {
      context.addIssue({
        code: 'custom',
        message: `Enter names of hosts with spaces between them: files.statistics.example. ${wrong ? `“${wrong.host.slice(0, 100)}” is none` : 'These are too many'}`,
      });
      return z.NEVER;
    }
    return [...new Set(found.flatMap(({ url }) => (url ? [hostOf(url)] : [])))].join(' ');
  });

const cronMessage =
  'Enter minute, hour, day, month and day of the week: 0 2 * * * is every night at 2:00 UTC, 30 6 * * 1-5 is 6:30 on working days';
const cron = z
  .string({ error: cronMessage })
  .transform((typed) => typed.trim().replaceAll(/\s+/g, ' '))
  .pipe(z.string().max(60, cronMessage).refine(isCron, cronMessage));

/**
 * Whether a text is a cron pattern with five fields that matches some future time. `0 0 30 2 *`,
 * the 30th of February, never does.
 */
function isCron(pattern: string): boolean {
  if (pattern.split(' ').length !== 5) return false;
  try {
    return getNextMillis(Date.now(), { pattern, tz: 'UTC' }) !== undefined;
  } catch {
    return false;
  }
}

const wantedSource = z.object({
  name: requiredLine('Enter a name, such as Rainfall', 60),
  url: address,
  hosts,
  credential: z.string().trim().default(''),
  dataset: z.coerce.number('Choose a dataset').int('Choose a dataset').min(1, 'Choose a dataset'),
  cron,
  active: z.enum(['yes', 'no']).default('no'),
});

/**
 * Validates the form fields of a data source; returns the SQL that sets its columns.
 * @throws Invalid with a message for each wrong field
 */
async function checked(here: App, kind: KindName, posted: PostedSource) {
  const errors: Record<string, string> = {};
  const result = attempt(errors, '', () => parsed(wantedSource, posted));
  const options = attempt(errors, 'option_', () =>
    parsed(kinds[kind].options, posted.options ?? {}),
  );
  if (
    result &&
    !(await first(here.sql, sql`select id from dataset where id = ${result.dataset}`))
  ) {
    errors['dataset'] = 'Choose a dataset';
  }
  const { credentials, mayBeLocal } = here.settings.sources;
  const literal = result && literalOf(new URL(result.url));
  if (literal && !isAllowedAddress(literal, { mayBeLocal })) {
    errors['url'] =
      'No source may be on this machine or in a private network. Enter the address of a publisher';
  }
  if (result && result.credential !== '' && credentials[result.credential] === undefined) {
    errors['credential'] =
      `SOURCE_CREDENTIAL_${result.credential.slice(0, 60)} is not set here. Choose another one, or ask an engineer to set it`;
  }
  if (!result || !options || Object.keys(errors).length > 0) throw new Invalid(errors);
  return sql`name = ${result.name}, kind = ${kind}, url = ${result.url}, options = ${JSON.stringify(options)},
    hosts = ${result.hosts}, credential = ${result.credential || null}, dataset = ${result.dataset},
    cron = ${result.cron}, active = ${result.active === 'yes'}`;
}

/**
 * Runs a validation; returns its result, or null if form fields are wrong. Adds the messages about wrong fields to
 * `errors`, with `prefix` before each field name.
 */
function attempt<T>(errors: Record<string, string>, prefix: string, check: () => T): T | null {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    for (const [field, message] of Object.entries(error.fields))
      errors[`${prefix}${field}`] = message;
    return null;
  }
}

/**
 * Adds a data source; returns its id.
 * @throws Invalid with a message for each wrong field
 */
export async function add(here: App, person: string, posted: PostedSource): Promise<number> {
  const { kind = '' } = posted;
  if (!isKind(kind)) throw new Invalid({ kind: `Choose a kind: ${kindNames.join(', ')}` });
  const values = await checked(here, kind, posted);
  return transaction(here.sql, async (on) => {
    const id = await runForId(
      on,
      sql`insert into source set ${values}, created_by = ${person}, created_at = utc_timestamp(3)`,
    ).catch(nameTaken);
    await audit.write(on, { person, action: 'added a source', subject: posted.name?.trim() ?? '' });
    return id;
  });
}

/**
 * Changes a data source, except its kind. `seen`: the revision that the user’s page showed.
 * @throws Invalid for wrong fields, Conflict if another person changed the source meanwhile
 */
export async function change(
  here: App,
  person: string,
  { id, seen }: { id: number; seen: number },
  posted: PostedSource,
) {
  const before = await known(here.sql, id);
  const values = await checked(here, before.kind, posted);
  await transaction(here.sql, async (on) => {
    const found = await run(
      on,
      sql`update source set ${values}, revision = revision + 1 where id = ${id} and revision = ${seen}`,
    ).catch(nameTaken);
    if (found === 0) {
      throw new Conflict(
        `${before.name} was changed by another person after this page was shown. Nothing was saved: reload the page and repeat your change.`,
      );
    }
    const after = await known(on, id);
    // The planned next run of the data source is deleted. If it stayed, a source that is switched on again would at
    // once start a run, to catch up on one that it missed while it was switched off.
    if (after.active !== before.active) await forgetSchedule(on, scheduleName(id));
    await audit.write(on, { person, action: 'changed a source', subject: after.name });
  });
}

export const scheduleName = (id: number) => `source-${id}`;

function nameTaken(error: unknown): never {
  if ((error as { code?: string }).code !== 'ER_DUP_ENTRY') throw error;
  throw new Invalid({ name: 'There is a source of this name already. Choose another one.' });
}
