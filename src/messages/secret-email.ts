// E-mails with a secret, such as a link by which a person chooses a password. The outbox holds their text encrypted,
// until the mail server has it, and does not send them after the secret has expired.
import { v7 as uuid } from 'uuid';
import { decrypt, encrypt } from '../access/encryption.ts';
import { fromSqlInstant, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as outbox from './outbox.ts';

/** Whether this environment can send links by e-mail: it has a mail server, a key to encrypt them, and its own URL. */
export const sendsSecrets = ({ name, sendsMail, credentialsKeys, settings }: App): boolean =>
  sendsMail && credentialsKeys !== null && settings.urls[name] !== undefined;

/** An e-mail with a secret. `endsAt`: when the secret expires, as a timestamp of the database. */
export type SecretEmail = {
  event: string;
  to: string;
  subject: string;
  text: string;
  endsAt: string;
};

/** Adds an e-mail with a secret to the outbox. */
export async function addSecretEmail(
  on: Queryable,
  { credentialsKeys }: App,
  { event, to, subject, text, endsAt }: SecretEmail,
) {
  if (!credentialsKeys) throw new Error('CREDENTIALS_KEY is not set');
  const messageId = uuid();
  const { text: body, keyId } = encrypt(credentialsKeys.current, text, messageId);
  const line = { messageId, event, channel: 'email', recipient: to, subject, body } as const;
  await outbox.add(on, { ...line, href: null, transfer: null, encryptionKey: keyId, endsAt });
}

/** An outbox message that can be sent (`line`), or the reason why it cannot be sent any more (`obstacle`). */
type Opened = { line: outbox.Line; obstacle: null } | { line: null; obstacle: string };

/** Returns an outbox message with its text decrypted. */
export function opened({ credentialsKeys }: App, line: outbox.Line): Opened {
  const { encryption_key: keyId, ends_at: endsAt, body, message_id: id } = line;
  if (endsAt === null || keyId === null) return { line, obstacle: null };
  if (Date.parse(fromSqlInstant(endsAt)) <= Date.now()) {
    return { line: null, obstacle: 'The link in it had expired, so it was not sent.' };
  }
  const text = decrypt(credentialsKeys, { keyId, text: body }, id);
  return text === null
    ? { line: null, obstacle: 'The key that encrypted it (CREDENTIALS_KEY) is not set any more.' }
    : { line: { ...line, body: text }, obstacle: null };
}
