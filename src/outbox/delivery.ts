// Sends what waits in the outbox to the search indexer, signed, until it is taken.
import { createHmac } from 'node:crypto';
import type { App } from '../environments/app.ts';
import { tellHolders } from '../messages/messages.ts';
import * as outbox from './outbox.ts';

/** How long an answer may take, in seconds. */
const PATIENCE = 10;
/** 5 s, 10 s, 20 s … at most an hour apart: about five and a half hours in all. */
const ATTEMPTS = 15;
const waitAfter = (attempts: number) => Math.min(5 * 2 ** (attempts - 1), 3600);

/** How many are sent side by side: one that hangs does not hold up the others. */
const AT_ONCE = 5;

/** Sends everything whose time has come; answers how many lines were taken. */
export async function deliver(here: App): Promise<number> {
  if (!here.settings.indexer) return 0;
  const lines = await outbox.due(here.sql);
  let taken = 0;
  const sender = async () => {
    for (let line = lines.shift(); line && !here.halt.signal.aborted; line = lines.shift()) {
      if (await send(here, line)) taken += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  return taken;
}

async function send(here: App, line: outbox.Line): Promise<boolean> {
  const { indexer } = here.settings;
  if (!indexer || !(await outbox.take(here.sql, line, PATIENCE * 2))) return false;
  const attempts = line.attempts + 1;
  const { isTaken, answer } = await post(indexer, line);
  if (isTaken) {
    await outbox.sent(here.sql, line, answer);
  } else {
    const again = attempts < ATTEMPTS ? waitAfter(attempts) : null;
    await outbox.refused(here.sql, line, { answer, again });
    here.log.warn({ event: line.event, attempts, answer }, 'the indexer did not take it');
    if (again === null) await tellAdministrators(here, line);
  }
  return isTaken;
}

/** `t=1767225600,v1=<hex>`: HMAC-SHA256 over the time, a full stop and the body. */
export function signatureOf(secret: string, body: string, at = Date.now()): string {
  const time = Math.floor(at / 1000);
  const mac = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  return `t=${time},v1=${mac}`;
}

async function post({ url, secret }: { url: string; secret: string }, line: outbox.Line) {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Oneway-Event': line.event,
        'Oneway-Signature': signatureOf(secret, line.body),
      },
      body: line.body,
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE * 1000),
    });
    const words = (await answer.text()).slice(0, 300);
    return { isTaken: answer.ok, answer: `HTTP ${answer.status} ${words}`.trim() };
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error };
    return { isTaken: false, answer: cause?.message ?? message };
  }
}

const tellAdministrators = ({ sql: on }: App, { subject }: outbox.Line) =>
  tellHolders(on, 'administrator', '', {
    text: `The search indexer did not take “${subject}” after ${ATTEMPTS} attempts. Send it again when it is back.`,
    href: '/outbox?state=failed',
  });
