import type { Request, Response } from 'express';
import { rulesOf, senderTo, type EnvironmentName } from '../environments/rules.ts';
import { NotFound } from '../problems.ts';
import { pageOf, type ChronologicalList } from '../web/chronological-list.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import { ownTransferHref } from '../web/transfer-href.ts';
import { emailAbout, notify } from './messages.ts';
import * as outbox from './outbox.ts';

const channelLabels = {
  indexer: 'Indexer notifications',
  email: 'E-mail',
  webhook: 'Other webhooks',
  slack: 'Slack',
  callback: 'Callbacks',
};

export async function index(req: Request, res: Response) {
  const { lines, ...list } = await pageOf(req, notifications(req));
  await page(req, res, 'messages/outbox', {
    title: 'Notifications',
    crumbs: [{ text: 'Notifications' }],
    ...list,
    hasIndexer: req.here.notifiesIndexer,
    hasMail: req.here.settings.messages.mail !== null,
    sender: senderOf(req),
    lines: lines.map(shown),
  });
}

const notifications = (req: Request): ChronologicalList<outbox.Line> => ({
  path: '/outbox',
  filters: [
    {
      kind: 'choice',
      name: 'channel',
      label: 'Channel',
      any: 'Any channel',
      choices: Object.entries(channelLabels).map(([value, text]) => ({ value, text })),
    },
    {
      kind: 'choice',
      name: 'state',
      label: 'State',
      any: 'Any state',
      choices: Object.entries(stateLooks).map(([value, { text }]) => ({ value, text })),
    },
  ],
  find: ({ channel = '', state = '' }, part) =>
    outbox.list(req.here.sql, { channel, state, ...part }),
  idOf: ({ id }) => id,
});

/**
 * The changed rows in a notification for the search indexer, and the transfer that wrote them.
 * Other outbox messages have no such rows.
 */
type RowChanges = {
  kind: string;
  environment: EnvironmentName;
  transfer: { number: number };
  changed: Record<string, number[]>;
  removed: Record<string, number[]>;
};

const stateLooks = {
  pending: { icon: 'hourglass', text: 'Pending' },
  acknowledged: { icon: 'circle-check', text: 'Acknowledged' },
  failed: { icon: 'circle-x', text: 'Given up' },
};

const channelNames = { email: 'E-mail', webhook: 'Webhook', slack: 'Slack', callback: 'Callback' };

function shown(line: outbox.Line) {
  const common = {
    ...line,
    look: stateLooks[line.state],
    attemptsText: line.attempts === 1 ? '1 attempt' : `${line.attempts} attempts`,
    nextAttempt: line.state === 'pending' && line.attempts > 0 ? line.next_at : null,
    receiver: line.recipient === 'indexer' ? 'Search indexer' : line.recipient,
    channelLabel: channelNames[line.channel],
    // An e-mail with a secret cannot be sent again, because its text is removed as soon as it was sent.
    offersRetry: line.encryption_key === null,
  };
  // Messages to people are listed without their links, because a link may be meant for the recipient only.
  if (line.event !== 'rows.changed') return { ...common, href: null, changes: null };
  const changes = JSON.parse(line.body) as RowChanges;
  const { kind, environment, transfer } = changes;
  return {
    ...common,
    href: ownTransferHref({ kind, number: transfer.number }),
    changes: {
      kind,
      rowsOf: rulesOf(environment).inText,
      counts: [...countsOf(changes.changed, ''), ...countsOf(changes.removed, 'gone')],
    },
  };
}

const countsOf = (ids: Record<string, number[]>, note: string) =>
  Object.entries(ids).map(([entity, { length }]) => ({ entity, number: length, note }));

/**
 * Finds the environment that sends rows to this one, with the URL of its server. The page links to the outbox of that
 * environment, because its server notifies the search indexer of the rows that it writes to this environment.
 */
function senderOf({ here }: Request) {
  const name = senderTo(here.name);
  return name ? { inText: rulesOf(name).inText, href: here.settings.urls[name] ?? null } : null;
}

export async function retry(req: Request, res: Response) {
  const id = numberOrNull(req.params['id']) ?? 0;
  const isThere = await outbox.retry(req.here, id, accountOf(req).email);
  if (!isThere) throw new NotFound('There is no such notification.');
  flash(req, 'It is sent again in a moment.');
  res.redirect(303, '/outbox');
}

/** Sends a test e-mail, so that an administrator sees whether the mail settings work. */
export async function sendTestEmail(req: Request, res: Response) {
  const { here } = req;
  const { email: to } = accountOf(req);
  const email = emailAbout(here, 'Test e-mail from Oneway');
  if (!email) throw new NotFound('No mail server is set (SMTP_URL).');
  const text = 'This is a test e-mail. If you can read it, e-mail from Oneway reaches you.';
  await notify(here.sql, { event: 'email.test', to, text, href: '/outbox?channel=email', email });
  flash(req, `A test e-mail to ${to} is on its way.`);
  res.redirect(303, '/outbox?channel=email');
}
