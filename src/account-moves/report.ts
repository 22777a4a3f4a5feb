// Reports failed migrations to Slack and to the people with the permission to migrate accounts. A report covers all
// failures since the last report, and at most one report is sent per minute.
import { first, run, select, sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { notifyHolders, publishToSlack } from '../messages/messages.ts';

type Failed = { account_id: number; migration_status: string; error_code: string | null };

/** At least this many seconds lie between two reports. */
const EVERY_S = 60;

/**
 * Returns the causes of failures with their counts, the most frequent first: `throttled: 3,
 * channels rejected: 1`.
 */
export function causesOf(failed: Pick<Failed, 'error_code'>[]): string {
  const counts = [...Map.groupBy(failed, ({ error_code: code }) => code ?? 'unknown')]
    .map(([code, all]) => ({ code, count: all.length }))
    .toSorted((one, other) => other.count - one.count);
  return counts.map(({ code, count }) => `${code.replaceAll('-', ' ')}: ${count}`).join(', ');
}

/** Reports the migrations that failed since the last report. Oneway calls this function every few seconds. */
export const reportFailures = (here: App) =>
  transaction(here.sql, async (on) => {
    const last = await first<{ isRecent: 0 | 1 }>(
      on,
      sql`select 1 as isRecent from account_move
           where reported_at > utc_timestamp(3) - interval ${EVERY_S} second limit 1`,
    );
    if (last) return;
    const failed = await select<Failed>(
      on,
      sql`select account_id, migration_status, error_code from account_move
           where error_at is not null and (reported_at is null or reported_at < error_at)
             and (migration_status = 'failed' or error_code = 'channels-rejected')
           limit 10000 for update skip locked`,
    );
    if (failed.length === 0) return;
    await run(
      on,
      sql`update account_move set reported_at = utc_timestamp(3)
           where account_id in (${failed.map(({ account_id: id }) => id)})`,
    );
    const count = failed.length === 1 ? '1 account' : `${failed.length} accounts`;
    const text = `Account migrations, ${here.rules.inText}: ${count} with failures (${causesOf(failed)}).`;
    // An account whose channels could not be stored has not failed, so the list of failed accounts does not show it. If
    // no account has failed, link to the dead letters.
    const isAnyFailed = failed.some(({ migration_status: status }) => status === 'failed');
    const href = isAnyFailed ? '/account-moves?status=failed' : '/account-moves#records';
    const event = 'account-moves.failed';
    for (const to of Object.keys(here.settings.messages.slack)) {
      await publishToSlack(on, { event, to, text, href });
    }
    await notifyHolders(on, { event, permission: 'account_moves', except: '', text, href });
  });
