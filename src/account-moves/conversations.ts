// Sends requests to Conversations, the older system from which accounts are migrated: whether it knows an account, and
// which brands and channels the account has.
import { z } from 'zod';
import { NotFound, Unavailable } from '../problems.ts';
import { certToken } from './cert-token.ts';
import { patience } from './patience.ts';
import { parseRaw } from './raw-json.ts';
import type { MoveSettings } from './settings.ts';

/**
 * An account in the older system, from which it can be migrated. `messages`: how many messages the account has; null if
 * the older system does not say.
 */
export type AccountThere = { name: string; messages: number | null };

const accountSchema = z.object({
  id: z.union([z.string(), z.number()]).transform(String),
  name: z.string().catch(''),
  message_count: z.number().int().min(0).max(4_294_967_295).nullable().catch(null),
});
const channelsSchema = z.object({ brands: z.array(z.unknown()), channels: z.array(z.unknown()) });

/**
 * Asks the older system for an account; null if the older system does not know it.
 * @throws Unavailable when the older system gives no valid answer within 3 seconds
 */
export async function accountThere(
  moves: MoveSettings,
  externalId: string,
): Promise<AccountThere | null> {
  // In a URL path, `.` and `..` would lead to another URL.
  if (/^\.{1,2}$/.test(externalId)) return null;
  const path = `/accounts/${encodeURIComponent(externalId)}`;
  const answer = await ask(moves, path, patience.account);
  if (answer === null) return null;
  const { success, data } = accountSchema.safeParse(answer);
  if (!success) throw unreadable('no account');
  // The older system has answered with another account. The answer is refused, because otherwise the name and the
  // message count of that other account would be stored for this account.
  if (data.id !== externalId) throw unreadable('another account than the one asked for');
  return { name: data.name, messages: data.message_count };
}

/**
 * Fetches an account’s brands and channels, which the older system decrypts. The caller checks each
 * record.
 * @throws NotFound when the older system does not know the account, Unavailable when it gives no
 * valid answer
 */
export async function channelsThere(
  moves: MoveSettings,
  externalId: string,
): Promise<{ brands: unknown[]; channels: unknown[] }> {
  const path = `/get_channels_to_migrate?account_id=${encodeURIComponent(externalId)}`;
  const answer = await ask(moves, path, patience.channels);
  if (answer === null) {
    throw new NotFound(`The older system no longer knows the account ${externalId}.`);
  }
  const { success, data } = channelsSchema.safeParse(answer);
  if (!success) throw unreadable('no lists of brands and channels');
  return data;
}

/**
 * Sends a GET request to the older system, from which accounts are migrated. Returns the parsed answer; null for 404
 * and 410.
 */
async function ask(moves: MoveSettings, path: string, milliseconds: number): Promise<unknown> {
  const address = moves.conversations.url.replace(/\/+$/, '') + path;
  const { status, text } = await fetched(address, await certToken(moves), milliseconds);
  if (status === 404 || status === 410) return null;
  if (status === 401 || status === 403) {
    throw new Unavailable(
      `The older system refused the certificate of this server (${status}). An engineer checks CONVERSATIONS_CERTIFICATE_FILE and that the older system knows it.`,
    );
  }
  if (status !== 200) {
    throw new Unavailable(`The older system answered ${status}. Try again in a moment.`);
  }
  try {
    return parseRaw(text);
  } catch {
    throw unreadable('no JSON');
  }
}

async function fetched(address: string, token: string, milliseconds: number) {
  try {
    const answer = await fetch(address, {
      headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' },
      // Do not follow redirects, because our token must not be sent to another host.
      redirect: 'manual',
      signal: AbortSignal.timeout(milliseconds),
    });
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    throw new Unavailable(
      `The older system at ${new URL(address).origin} does not answer. Try again in a moment.`,
      { cause: error },
    );
  }
}

const unreadable = (what: string) =>
  new Unavailable(
    `The older system gave an answer that cannot be read: ${what}. An engineer checks CONVERSATIONS_URL.`,
  );
