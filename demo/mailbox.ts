// The demo’s mailbox: an SMTP server that keeps every e-mail in memory, and a page that lists them.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { mailboxPage, type Mail } from './mailbox-page.ts';

/** How many e-mails the mailbox keeps; older ones are dropped. */
const KEPT = 200;

/** Starts the mailbox, which listens on this machine only, until the process ends. */
export async function startMailbox({ smtpPort, pagePort }: { smtpPort: number; pagePort: number }) {
  const mails: Mail[] = [];
  await listen(openSmtp(mails), smtpPort);
  const page = createServer((_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(mailboxPage(mails));
  });
  await listen(page, pagePort);
  page.unref();
}

function openSmtp(mails: Mail[]): SMTPServer {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData(stream, { envelope }, done) {
      const to = envelope.rcptTo.map(({ address }) => address).join(', ');
      text(stream)
        .then((raw) => PostalMime.parse(raw))
        .then(({ subject = '', text: body = '', from }) =>
          mails.unshift({ at: new Date(), from: from?.address ?? '', to, subject, text: body }),
        )
        .then(() => mails.splice(KEPT))
        .then(() => done(), done);
    },
  });
  // When the process of an SMTP client is stopped, its connection breaks. Without this handler, the
  // error would end the mailbox.
  server.on('error', () => {});
  return server;
}

type Listener = { listen(port: number, host: string, ready: () => void): unknown };

const listen = (server: Listener, port: number) =>
  new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
