// The inbox of a person: the messages of all environments in one list, newest first.
import { fromSqlInstant } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { EnvironmentName } from '../environments/rules.ts';
import * as inApp from './channels/in-app.ts';
import { known, messagesElsewhere, type KnownMessage } from './elsewhere.ts';

/** A message in the inbox. `href` leads to a page of its environment. */
export type InboxLine = Pick<KnownMessage, 'id' | 'at' | 'text' | 'isRead'> & {
  environment: EnvironmentName;
  label: string;
  href: string | null;
};

export async function inboxOf(here: App, email: string) {
  const [own, others] = await Promise.all([
    inApp.of(here.sql, email),
    messagesElsewhere(here, email),
  ]);
  const { name: environment, rules } = here;
  const ownLines = own.map((one): InboxLine => ({
    ...known(one),
    environment,
    label: rules.label,
  }));
  const otherLines = others.flatMap(({ name, label, url, known: found }) =>
    (found?.messages ?? []).map((one): InboxLine => ({
      ...one,
      environment: name,
      label,
      href: linkTo(one.href, url),
    })),
  );
  const all = [...ownLines, ...otherLines].toSorted(newestFirst);
  return {
    lines: all.slice(0, inApp.SHOWN),
    hasOthers: others.length > 0,
    unknown: others.flatMap(({ label, url, unknown }) =>
      unknown === null ? [] : [{ label, reason: unknown, href: `${url}/messages` }],
    ),
    upTo: newestIds(all),
  };
}

const newestFirst = (one: InboxLine, other: InboxLine) =>
  Date.parse(fromSqlInstant(other.at)) - Date.parse(fromSqlInstant(one.at)) || other.id - one.id;

/** Returns an absolute link into another environment; null for an address that leads elsewhere. */
function linkTo(href: string | null, url: string): string | null {
  if (href === null || !URL.canParse(href, url)) return null;
  const link = new URL(href, url);
  return link.origin === new URL(url).origin ? link.href : null;
}

/**
 * Returns, for each environment with unread messages, the id of the newest one; the messages up to it can be marked as
 * read.
 */
function newestIds(all: InboxLine[]) {
  const newest = new Map<string, number>();
  for (const { environment, id, isRead } of all) {
    if (!isRead) newest.set(environment, Math.max(id, newest.get(environment) ?? 0));
  }
  return [...newest].map(([environment, id]) => ({ name: `up_to_${environment}`, id }));
}
