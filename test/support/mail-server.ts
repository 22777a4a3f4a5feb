// A real SMTP server whose answers the test chooses.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

type Received = Email & {
  /** The source text of the e-mail as received. */
  raw: string;
  /** The recipients in the SMTP envelope, which may differ from those in the headers. */
  recipients: string[];
};

export type MailServer = {
  url: string;
  received: Received[];
  behaviour: Behaviour;
  /** Stops the server; `listen` starts it again on the same port. */
  close(): Promise<void>;
  listen(): Promise<void>;
};

type Behaviour = {
  /** How the server refuses each recipient; null: the server accepts each recipient with 250. */
  recipient: { code: number; text: string } | null;
  /**
   * Runs after the server has received a whole e-mail, before the server acknowledges the e-mail.
   */
  onMail: (mail: Received) => Promise<void> | void;
};

export async function openMailServer(port: number): Promise<MailServer> {
  const received: Received[] = [];
  const behaviour: Behaviour = { recipient: null, onMail: () => {} };
  let server: SMTPServer;
  const listen = async () => {
    server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      closeTimeout: 100,
      onRcptTo(_address, _session, done) {
        const { recipient } = behaviour;
        if (!recipient) return done();
        done(Object.assign(new Error(recipient.text), { responseCode: recipient.code }));
      },
      onData(stream, { envelope }, done) {
        const recipients = envelope.rcptTo.map(({ address }) => address);
        const receive = async () => {
          const raw = await text(stream);
          const mail = { ...(await PostalMime.parse(raw)), raw, recipients };
          received.push(mail);
          await behaviour.onMail(mail);
        };
        receive().then(() => done(), done);
      },
    });
    // Ignored: a client that a test kills resets its connection.
    server.on('error', () => {});
    await once(server.listen(port, '127.0.0.1'), 'listening');
  };
  await listen();
  return {
    url: `smtp://127.0.0.1:${port}`,
    received,
    behaviour,
    listen,
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

/** Opens a mail server that accepts connections but never answers (`silent`), or delays every answer (`slow`). */
export async function openSlowServer(
  kind: 'silent' | 'slow',
  pauseMs: number,
): Promise<SlowServer> {
  const server = createServer((socket) => {
    const answer = (text: string) => setTimeout(() => socket.write(`${text}\r\n`), pauseMs);
    socket.on('error', () => {});
    if (kind === 'silent') return;
    answer('220 slow.example.com');
    socket.on('data', () => answer('250 OK'));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `smtp://127.0.0.1:${port}`, close: () => server.close() };
}

type SlowServer = { url: string; close(): void };
