// Checks and stores which permissions a person has in this environment.
import type { PoolConnection } from 'mysql2/promise';
import { labelsOf, rightsInWords } from '../access/permission-words.ts';
import { grantable, isPermission, type Permission } from '../access/permissions.ts';
import * as audit from '../audit/audit.ts';
import { first, run, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import type { EnvironmentSetup } from '../environments/rules.ts';
import { Invalid } from '../problems.ts';

/**
 * Returns the wanted permissions if all of them may be granted in this environment.
 * @throws Invalid if one of them may not be granted in this environment
 */
export function grantableAmong(
  here: Environment,
  place: EnvironmentSetup,
  wanted: readonly string[],
): Permission[] {
  const allowed = grantable(place);
  const refused = wanted.find((name) => !isPermission(name) || !allowed.includes(name));
  if (refused !== undefined) {
    const what = isPermission(refused) ? labelsOf([refused]) : refused;
    throw new Invalid({ permissions: `${what} cannot be given in ${here.rules.inText}` });
  }
  return allowed.filter((name) => wanted.includes(name));
}

/** Stores exactly these permissions of a person, and records the change in the audit history. */
export async function storePermissions(
  connection: PoolConnection,
  by: string,
  { id, email, permissions = [] }: { id: number; email: string; permissions?: Permission[] },
  granted: Permission[],
) {
  await run(connection, sql`delete from permission where person_id = ${id}`);
  const rows = granted.map((name) => [id, name]);
  if (rows.length > 0) {
    await run(connection, sql`insert into permission (person_id, name) values ${rows}`);
  }
  await audit.write(connection, {
    person: by,
    action: 'set permissions',
    subject: email,
    detail: `${rightsInWords(permissions)} → ${rightsInWords(granted)}`,
  });
}

/**
 * Checks that another administrator remains when the person with this id stops being one, and locks that other
 * administrator, so that two simultaneous requests cannot remove the last two.
 * @throws Invalid when there is no other administrator
 */
export async function keepOneAdministrator(on: Queryable, id: number) {
  const other = await first(
    on,
    sql`select 1 from permission m join person p on p.id = m.person_id and p.active
         where m.name = 'administrator' and p.id <> ${id} limit 1 for update`,
  );
  if (!other) {
    throw new Invalid({
      administrator: 'This is the last administrator. Give the permission to someone else first.',
    });
  }
}
