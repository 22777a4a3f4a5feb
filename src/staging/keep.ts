// Manages how long copies (staging databases) are kept: extends and protects copies, notifies people before their copy
// is dropped, and drops copies whose time is over.
import * as audit from '../audit/audit.ts';
import { fromSqlInstant, select, sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { emailAbout, notify } from '../messages/messages.ts';
import { Invalid } from '../problems.ts';
import { exactly } from '../web/format.ts';
import * as copies from './copies.ts';
import type { Copy } from './copies.ts';
import { settingsOfCopies } from './databases.ts';
import { drop } from './drop.ts';
import { oneByOne } from './one-by-one.ts';

export const MOST_PROTECTED_DAYS = 90;
/** The person who ordered a staging database is notified this many days before it is dropped. */
const WARNING_DAYS = 2;
/** The name that the audit log shows instead of a person when Oneway itself drops an expired staging database. */
const OWN = 'Oneway';

/**
 * Keeps a staging database at least for the configured number of days from now; returns the time until which it is
 * kept.
 */
export async function keepLonger(here: App, copy: Copy, person: string): Promise<string> {
  const { days } = settingsOfCopies(here);
  await changeReady(here, copy, {
    person,
    action: 'kept a copy longer',
    what: sql`until = greatest(until, utc_timestamp(3) + interval ${days} day), warned_at = null`,
  });
  return endOf(here, copy, 'until');
}

/**
 * Protects a staging database for `days` days, in which neither a person nor a job may drop it; returns the end of the
 * protection.
 */
export async function protect(here: App, copy: Copy, person: string, days: number) {
  if (days < 1 || days > MOST_PROTECTED_DAYS) {
    throw new Invalid({ days: `Protect it for 1 to ${MOST_PROTECTED_DAYS} days.` });
  }
  await changeReady(here, copy, {
    person,
    action: 'protected a copy',
    what: sql`protected_until = utc_timestamp(3) + interval ${days} day,
              until = greatest(until, utc_timestamp(3) + interval ${days} day)`,
  });
  return endOf(here, copy, 'protected_until');
}

export const endProtection = (here: App, copy: Copy, person: string) =>
  changeReady(here, copy, {
    person,
    action: 'ended the protection of a copy',
    what: sql`protected_until = null`,
  });

type Change = { person: string; action: string; what: ReturnType<typeof sql> };

const changeReady = (here: App, copy: Copy, { person, action, what }: Change) =>
  transaction(here.sql, async (on) => {
    await copies.changeOrRefuse(on, copy, ['ready'], what);
    await audit.write(on, { person, action, subject: copy.name });
  });

async function endOf(here: App, { id }: Copy, of: 'until' | 'protected_until'): Promise<string> {
  const instant = (await copies.byId(here.sql, id))?.[of];
  return instant ? exactly(fromSqlInstant(instant)) : '';
}

/**
 * Notifies people two days before their staging database is dropped, and drops the staging databases that have expired.
 */
export async function endExpired(here: App): Promise<void> {
  if (here.settings.copies === null) return;
  await oneByOne(here, await soonToEnd(here), (copy) => warn(here, copy));
  await oneByOne(here, await expired(here), (copy) => drop(here, copy, OWN));
}

const soonToEnd = ({ sql: on }: App) =>
  select<Copy>(
    on,
    sql`select * from database_copy
         where state = 'ready' and warned_at is null and not is_spare
           and until < utc_timestamp(3) + interval ${WARNING_DAYS} day`,
  );

const expired = ({ sql: on }: App) =>
  select<Copy>(
    on,
    sql`select * from database_copy
         where state = 'ready' and until < utc_timestamp(3)
           and (protected_until is null or protected_until < utc_timestamp(3))`,
  );

const warn = (here: App, copy: Copy) =>
  transaction(here.sql, async (on) => {
    const isOurs = await copies.change(on, copy, ['ready'], sql`warned_at = utc_timestamp(3)`);
    if (!isOurs || copy.until === null) return;
    await notify(on, {
      event: 'copy.ends-soon',
      to: copy.person,
      text: `The database ${copy.name} is dropped on ${exactly(copy.until)}. To keep it longer, open Databases, and click “Keep longer” beside it:`,
      href: '/databases',
      email: emailAbout(here, `${copy.name} ends soon`),
    });
  });
