// Prepares the accounts that people have in each environment for two pages: the list of people has a column for each
// environment, and a person’s page has a line for each.
import { rightsInWords } from '../access/permission-words.ts';
import type { App } from '../environments/app.ts';
import { ladder, type EnvironmentName } from '../environments/rules.ts';
import type { Redis } from '../environments/redis.ts';
import type { Answer } from '../environments/neighbours.ts';
import { accountElsewhere, accountsElsewhere } from './elsewhere.ts';
import { accountOf, accounts, type AccountInFull, type KnownAccount } from './known-here.ts';

/** The colour, icon and text with which pages show each state of an account. */
export const accountLooks = {
  active: { tone: 'ok', icon: 'circle-check', text: 'Active' },
  invited: { tone: 'changed', icon: 'mail', text: 'Invited' },
  closed: { tone: 'bad', icon: 'circle-x', text: 'Closed' },
};

/** An account as pages show it. `href` leads to its page, in its own environment. */
const shown = (account: KnownAccount, url: string) => ({
  ...account,
  look: accountLooks[account.state],
  may: rightsInWords(account.permissions),
  href: `${url}/people/${account.id}`,
});

type Column<T> = Answer<T> & { isHere: boolean };

/**
 * Makes one column for each environment, including this one. The columns have the order in which rows pass through the
 * environments.
 */
function columnsOf<T>({ name, rules }: App, known: T, others: Answer<T>[]): Column<T>[] {
  const { label, inText } = rules;
  const own = { name, label, inText, url: '', known, unknown: null, isHere: true };
  const position = (one: { name: EnvironmentName }) => ladder.indexOf(one.name);
  return [own, ...others.map((one) => ({ ...one, isHere: false }))].toSorted(
    (one, other) => position(one) - position(other),
  );
}

/**
 * Lists everyone who has an account in any environment, sorted by name, with the account in each environment. The name
 * links to the page of the account in this environment or, if there is none, in the first other environment that has
 * one.
 */
export async function everyone(here: App) {
  const [own, others] = await Promise.all([accounts(here.sql), accountsElsewhere(here)]);
  const columns = columnsOf(here, own, others);
  const byEmail = columns.map(
    ({ known }) => new Map((known ?? []).map((one) => [one.email, one] as const)),
  );
  const emails = new Set(byEmail.flatMap((column) => [...column.keys()]));
  const lines = [...emails].map((email) => {
    const cells = columns.map(({ label, url, unknown, isHere }, index) => {
      const account = byEmail[index]?.get(email);
      const isUnknown = unknown !== null;
      return { label, isHere, account: account ? shown(account, url) : null, isUnknown };
    });
    const known = cells.filter(({ account }) => account !== null);
    const { account } = known.find(({ isHere }) => isHere) ?? known[0] ?? {};
    return { email, name: account?.name ?? email, href: account?.href, cells };
  });
  return {
    columns,
    lines: lines.toSorted((one, other) => one.name.localeCompare(other.name)),
  };
}

/** A person with the account in each environment. */
export type PersonLine = Awaited<ReturnType<typeof everyone>>['lines'][number];

/**
 * Describes the account of a person in each environment. `countsStaying`: whether to count also what the person leaves
 * behind in each environment when the account is closed, such as lines of the audit history.
 */
export async function across(
  here: App,
  redis: Redis,
  { id, email }: { id: number; email: string },
  { countsStaying = false } = {},
) {
  const question = { email, countsStaying };
  const [own, others] = await Promise.all([
    accountOf(here, redis, question),
    accountElsewhere(here, question),
  ]);
  return columnsOf<AccountInFull | null>(here, own, others).map(({ known, ...line }) => ({
    ...line,
    account: known && { ...known, ...shown(known, line.url) },
    peopleHref: `${line.url}/people`,
    inviteHref: `${line.url}/people/new?from=${here.name}&person=${id}`,
  }));
}
