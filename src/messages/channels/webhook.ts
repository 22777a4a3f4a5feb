// Posts outbox messages to signed webhooks, as described in docs/indexer.md.
import { createHmac } from 'node:crypto';
import type { Webhook } from '../endpoints.ts';
import type { Send } from './channel.ts';
import { post } from './post.ts';

export const webhook =
  ({ url, secret }: Webhook): Send =>
  ({ message_id: id, body }) =>
    post(url, body, { 'Oneway-Event': id, 'Oneway-Signature': signatureOf(secret, body) });

/**
 * Computes the signature header `t=1767225600,v1=<hex>`: HMAC-SHA256 over the time (seconds since 1970), a full stop
 * and the body.
 */
export function signatureOf(secret: string, body: string, at = Date.now()): string {
  const time = Math.floor(at / 1000);
  const mac = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  return `t=${time},v1=${mac}`;
}
