import type { Request, Response } from 'express';
import { ladder, rulesOf, type EnvironmentName } from '../environments/rules.ts';
import { NotFound } from '../problems.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import { emailAbout, notify } from './messages.ts';
import * as outbox from './outbox.ts';

const channelLabels = {
  indexer: 'Indexer notifications',
  email: 'E-mail',
  webhook: 'Other webhooks',
  slack: 'Slack',
};

export async function index(req: Request, res: Response) {
  const filter = {
    channel: textIn(req.query, 'channel'),
    state: textIn(req.query, 'state'),
    before: numberOrNull(req.query['before']),
  };
  const lines = await outbox.list(req.here.sql, filter);
  await page(req, res, 'messages/outbox', {
    title: 'Notifications',
    crumbs: [{ text: 'Notifications' }],
    filter,
    channelLabels,
    hasIndexer: req.here.notifiesIndexer,
    hasMail: req.here.settings.messages.mail !== null,
    sender: senderOf(req),
    lines: lines.map(shown),
    older: String(new URLSearchParams({ ...filter, before: String(lines.at(-1)?.id) })),
  });
}

/** What only the indexer's lines have: which rows, and the transfer that wrote them. */
type RowChanges = {
  kind: string;
  environment: EnvironmentName;
  transfer: { number: number };
  changed: Record<string, number[]>;
  removed: Record<string, number[]>;
};

const sentKinds = ['transfer', 'undo', 'bring-back'];

const channelNames = { email: 'E-mail', webhook: 'Webhook', slack: 'Slack' };

function shown(line: outbox.Line) {
  const common = {
    ...line,
    receiver: line.recipient === 'indexer' ? 'Search indexer' : line.recipient,
    channelLabel: channelNames[line.channel],
  };
  // The link in an e-mail may be for its reader alone.
  if (line.event !== 'rows.changed') return { ...common, href: null, changes: null };
  const changes = JSON.parse(line.body) as RowChanges;
  const { kind, environment, transfer } = changes;
  return {
    ...common,
    href: sentKinds.includes(kind) ? `/transfers/${transfer.number}` : null,
    changes: { ...changes, rowsOf: rulesOf(environment).inText },
  };
}

/** The environment before this one, which notifies about what arrives here. */
function senderOf({ here }: Request) {
  const name = ladder.find((one) => rulesOf(one).next === here.name);
  return name ? { inText: rulesOf(name).inText, href: here.settings.urls[name] ?? null } : null;
}

export async function retry(req: Request, res: Response) {
  const id = numberOrNull(req.params['id']) ?? 0;
  const isThere = await outbox.retry(req.here, id, accountOf(req).email);
  if (!isThere) throw new NotFound('There is no such notification.');
  flash(req, 'It is sent again in a moment.');
  res.redirect(303, '/outbox');
}

/** Shows an administrator whether the mail settings work. */
export async function sendTestEmail(req: Request, res: Response) {
  const { sql: on, settings } = req.here;
  const { email: to } = accountOf(req);
  const email = emailAbout(settings, 'Test e-mail from Oneway');
  if (!email) throw new NotFound('No mail server is set (SMTP_URL).');
  const text = 'This is a test e-mail. If you can read it, e-mail from Oneway reaches you.';
  await notify(on, { event: 'email.test', to, text, href: '/outbox?channel=email', email });
  flash(req, `A test e-mail to ${to} is on its way.`);
  res.redirect(303, '/outbox?channel=email');
}
