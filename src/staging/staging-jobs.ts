// Stores staging jobs, with which people in production order a new staging database, or drop some. A job is a draft
// until a person runs it. Every run creates a new order, and the page of the job lists all its orders.
import { z } from 'zod';
import * as audit from '../audit/audit.ts';
import { first, run, runForId, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { Conflict, NotFound, parsed } from '../problems.ts';
import { known as knownEnvironment } from './environments.ts';
import { nameOf, namesIn, suffixSchema, type Level } from './names.ts';

export type StagingJobState = 'draft' | 'running' | 'done' | 'error' | 'removed';

export type StagingJob = {
  number: number;
  type: 'new' | 'drop';
  environment: number;
  has_timestamp: number;
  suffix: string;
  replaces: number;
  /** The names of the databases to drop, as typed, with spaces or line breaks between them. */
  database_names: string;
  state: StagingJobState;
  version: number;
  person: string;
  created_at: string;
  environment_name: string;
  client: string;
  level: Level;
};

const MOST_NAMES = 100;

const wantedJob = z
  .object({
    type: z.enum(['new', 'drop'], 'Choose a type'),
    environment: z.coerce
      .number('Choose an environment')
      .int('Choose an environment')
      .min(1, 'Choose an environment'),
    timestamp: z.enum(['yes', 'no']).default('no'),
    suffix: suffixSchema,
    replace: z.enum(['yes', 'no']).default('no'),
    names: z.string().trim().max(20_000, 'These are too many names').default(''),
  })
  .superRefine(({ type, names }, context) => {
    if (type !== 'drop') return;
    const { length } = namesIn(names);
    const message =
      length === 0
        ? 'Enter the names of the databases, with spaces or line breaks between them'
        : `Enter ${MOST_NAMES} names at most`;
    if (length === 0 || length > MOST_NAMES) {
      context.addIssue({ code: 'custom', path: ['names'], message });
    }
  });

export type PostedJob = Partial<
  Record<'type' | 'environment' | 'timestamp' | 'suffix' | 'replace' | 'names', string>
>;

const withEnvironment = sql`select staging_job.*, environment.name as environment_name, environment.client,
       environment.level
  from staging_job join staging_environment as environment on environment.id = staging_job.environment`;

/** Lists up to 50 staging jobs with numbers below `before`, newest first. */
export const list = (on: Queryable, before: number | null) =>
  select<StagingJob>(
    on,
    sql`${withEnvironment}
         where staging_job.state <> 'removed' and (${before} is null or number < ${before})
         order by number desc limit 50`,
  );

/**
 * Reads a staging job.
 * @throws NotFound if no staging job has this number
 */
export async function known(on: Queryable, number: number): Promise<StagingJob> {
  const job = await first<StagingJob>(
    on,
    sql`${withEnvironment} where number = ${number} and staging_job.state <> 'removed'`,
  );
  if (!job) throw new NotFound('There is no such staging job.');
  return job;
}

/**
 * Validates a posted staging job.
 * @throws Invalid with a message for each wrong field, and if the name of the database would be too
 * long
 */
async function checked(here: App, posted: PostedJob) {
  const wanted = parsed(wantedJob, posted);
  const { client, level } = await knownEnvironment(here.sql, wanted.environment);
  const at = wanted.timestamp === 'yes' ? new Date() : null;
  if (wanted.type === 'new') nameOf({ client, level, at, suffix: wanted.suffix });
  const values = sql`type = ${wanted.type}, environment = ${wanted.environment},
    has_timestamp = ${wanted.timestamp === 'yes'}, suffix = ${wanted.suffix},
    replaces = ${wanted.replace === 'yes'}, database_names = ${wanted.names}`;
  return { values };
}

/**
 * Adds a staging job as a draft.
 * @throws Invalid with a message for each wrong field
 */
export async function add(here: App, person: string, posted: PostedJob): Promise<number> {
  const { values } = await checked(here, posted);
  return transaction(here.sql, async (on) => {
    const number = await runForId(
      on,
      sql`insert into staging_job set ${values}, person = ${person}, created_at = utc_timestamp(3)`,
    );
    await audit.write(on, { person, action: 'added a staging job', subject: subjectOf(number) });
    return number;
  });
}

/**
 * Changes a staging job that is a draft or has failed.
 * @throws Invalid for wrong fields, Conflict if another person ran or changed the job meanwhile
 */
export async function change(
  here: App,
  person: string,
  { number, seen }: { number: number; seen: number },
  posted: PostedJob,
) {
  const { values } = await checked(here, posted);
  await transaction(here.sql, async (on) => {
    const found = await run(
      on,
      sql`update staging_job set ${values}, version = version + 1
           where number = ${number} and version = ${seen} and state in ('draft', 'error')`,
    );
    if (found === 0) {
      throw new Conflict(
        'Another person changed or ran this job after this page was shown. Nothing was saved: reload the page.',
      );
    }
    await audit.write(on, { person, action: 'changed a staging job', subject: subjectOf(number) });
  });
}

/**
 * Removes a staging job that is still a draft.
 * @throws Conflict if the job was run, because a job that was run stays listed
 */
export async function remove(here: App, person: string, number: number) {
  await transaction(here.sql, async (on) => {
    const found = await run(
      on,
      sql`update staging_job set state = 'removed' where number = ${number} and state = 'draft'`,
    );
    if (found === 0) throw new Conflict('Only a draft can be removed: what was run stays listed.');
    await audit.write(on, { person, action: 'removed a staging job', subject: subjectOf(number) });
  });
}

export const subjectOf = (number: number) => `staging job ${number}`;
