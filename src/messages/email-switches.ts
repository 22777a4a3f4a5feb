// Stores which kinds of message a person also gets by e-mail. Only the choices that the person has changed on the page
// My account are stored, so that the default of a kind keeps applying to everyone who has not chosen.
import { upsertRows } from '../database/bulk.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { messageKinds, type MessageEvent } from './kinds.ts';

export type EmailSwitch = {
  kind: MessageEvent;
  label: string;
  what: string;
  /** Whether e-mails of this kind are sent; null for a kind that is never sent by e-mail. */
  isOn: boolean | null;
};

/**
 * Lists the kinds of message that a person with these permissions may get, each with whether it is also sent by e-mail.
 */
export async function switchesOf(
  on: Queryable,
  { id, permissions }: { id: number; permissions: readonly string[] },
): Promise<EmailSwitch[]> {
  const chosen = new Map(
    (
      await select<{ kind: string; is_on: number }>(
        on,
        sql`select kind, is_on from email_switch where person_id = ${id}`,
      )
    ).map(({ kind, is_on: isOn }) => [kind, isOn === 1]),
  );
  return messageKinds
    .filter(([, { permission }]) => permission === undefined || permissions.includes(permission))
    .map(([kind, { label, what, email }]) => ({
      kind,
      label,
      what,
      isOn: email === 'never' ? null : (chosen.get(kind) ?? email === 'on'),
    }));
}

/**
 * Switches e-mails on for the kinds of message in `wanted` and off for all others. `shown`: the kinds that were
 * switched on when the page My account was opened. A kind that the person has not changed on the page is left as it is
 * stored.
 */
export async function choose(
  on: Queryable,
  person: { id: number; permissions: readonly string[] },
  { shown, wanted }: Record<'shown' | 'wanted', string[]>,
) {
  const known = (await switchesOf(on, person)).filter(({ isOn }) => isOn !== null);
  const changed = known.filter(({ kind }) => shown.includes(kind) !== wanted.includes(kind));
  await upsertRows(
    on,
    'email_switch',
    ['person_id', 'kind'],
    changed.map(({ kind }) => ({ person_id: person.id, kind, is_on: wanted.includes(kind) })),
  );
}
