// What remains in an environment when the account of a person is closed: records of the person in the history, and
// things that the person made and that others may have to take over.
import { z } from 'zod';
import { first, sql, type Queryable } from '../database/sql.ts';

export const stayingSchema = z.object({
  historyLines: z.number(),
  changedRows: z.number(),
  heldRows: z.number(),
  selections: z.number(),
  // The server of another environment may run an older version of Oneway, which has no scheduled transfers.
  schedules: z.number().default(0),
  apiKeys: z.number(),
  sources: z.number(),
  stagingJobs: z.number(),
  stagingDatabases: z.number(),
  unfinishedJobs: z.number(),
});
/** How many things of each kind a person leaves behind in an environment. */
export type Staying = z.infer<typeof stayingSchema>;

/** Counts what the person with this e-mail leaves behind in this environment when the account is closed. */
export async function staying(on: Queryable, email: string): Promise<Staying> {
  const counts = await first<Staying>(
    on,
    sql`select
          (select count(*) from audit where person = ${email}) as historyLines,
          (select count(*) from row_state
            where changed_by = ${email} and deleted_at is null) as changedRows,
          (select count(*) from row_state
            where held_by = ${email} and deleted_at is null) as heldRows,
          (select count(*) from selection
            where person = ${email} and kind = 'transfer' and kept_at is not null
              and not exists (select 1 from transfer where transfer.selection = selection.id)
          ) as selections,
          (select count(*) from scheduled_transfer
            where person = ${email} and state in ('waiting', 'running')) as schedules,
          (select count(distinct c.id) from credential c
             join credential_key k on k.credential_id = c.id
            where c.created_by = ${email} and k.revoked_at is null
              and (k.expires_at is null or k.expires_at > utc_timestamp(3))) as apiKeys,
          (select count(*) from source where created_by = ${email} and active) as sources,
          (select count(*) from staging_job where person = ${email}) as stagingJobs,
          (select count(*) from database_copy
            where person = ${email} and ended_at is null) as stagingDatabases,
          (select count(*) from job
            where person = ${email} and state in ('running', 'waiting', 'waiting_children')) as unfinishedJobs`,
  );
  return stayingSchema.parse(counts);
}
