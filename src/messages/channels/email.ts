// Sends outbox messages as plain-text e-mails over SMTP.
import { fromSqlInstant } from '../../database/sql.ts';
import type { Mail } from '../endpoints.ts';
import { kindOf } from '../kinds.ts';
import type { Line } from '../outbox.ts';
import { absolute, timeouts, type Send, type Sender } from './channel.ts';

export const email =
  ({ url, from }: Mail, sender: Sender): Send =>
  async (line) => {
    const { createTransport } = await import('nodemailer');
    const signal = AbortSignal.timeout(timeouts.attempt);
    const transport = createTransport({ url, disableFileAccess: true, disableUrlAccess: true });
    try {
      const { response } = await transport.sendMail({ ...mailOf(line, from, sender), signal });
      return { outcome: 'acknowledged', answer: response };
    } catch (error) {
      const answer = signal.aborted
        ? `No answer within ${timeouts.attempt / 1000} seconds`
        : answerOf(error as SmtpError);
      return { outcome: isRefusal(error as SmtpError) ? 'refused' : 'retry', answer };
    }
  };

const mailOf = (line: Line, from: string, sender: Sender) => ({
  from,
  // The address is passed as an object, so that a comma in it cannot add a second recipient.
  to: { name: '', address: line.recipient },
  subject: oneLine(line.subject),
  text: textOf(line, sender),
  // The Message-ID is the same at every attempt, so that a mail system can drop duplicates.
  messageId: `<${line.message_id}@${domainOf(from)}>`,
  date: new Date(fromSqlInstant(line.created_at)),
  headers: { 'Auto-Submitted': 'auto-generated' },
});

/** Replaces line breaks, because text after a line break could become another mail header. */
const oneLine = (text: string) => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();

const domainOf = (from: string) => /@([^\s>]+)>?\s*$/.exec(from)?.[1] ?? 'oneway.invalid';

function textOf({ body, href, event }: Line, sender: Sender): string {
  const link = absolute(sender, href);
  const foot = `-- \nOneway, ${sender.label}${switchText(event, sender)}`;
  return [body, ...(link === null ? [] : [link]), foot].join('\n\n');
}

/**
 * Returns a sentence that names the page on which the recipient can switch off e-mails of this kind. Returns an empty
 * text for e-mails that a person asked for, such as a link to set a password.
 */
function switchText(event: string, sender: Sender): string {
  const kind = kindOf(event);
  if (!kind) return '';
  const where = absolute(sender, '/account#emails') ?? `My account in ${sender.label}`;
  return `\nTo get no more e-mails of the kind “${kind.label}”: ${where}`;
}

type SmtpError = Error & {
  code?: string;
  command?: string;
  response?: string;
  responseCode?: number;
};

const answerOf = ({ response, message }: SmtpError) => response ?? message;

/**
 * Whether the mail server refuses this e-mail for good. A refused sign-in or sender address is
 * retried, because a person can correct these settings.
 */
const isRefusal = ({ code, command, responseCode = 0 }: SmtpError) =>
  (['RCPT TO', 'DATA'].includes(command ?? '') && responseCode >= 500) ||
  (code === 'EENVELOPE' && command === 'API');
