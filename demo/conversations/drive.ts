// Lets Conversations, instead of the phone app, control the migration of an account. Conversations requests the recent
// messages from Oneway, polls until they have arrived, confirms the status, and requests the remaining messages. Oneway
// reads the messages from the DynamoDB store of Conversations, or from a dump (export) in its own object storage.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export type Driver = {
  /** The requests to Oneway so far and their answers, by account. */
  log: Map<string, string[]>;
  /**
   * Starts the migration of an account, which Conversations controls. `location`: the prefix of the dump from which
   * Oneway reads the messages, or null for the DynamoDB store of Conversations.
   */
  start(account: string, location: string | null): void;
};

/**
 * `keyFile`: the file with the API key (scope account-moves). The file is read at each request,
 * because the key is created after this server has started.
 */
export function driver({ oneway, keyFile }: { oneway: string; keyFile: string }): Driver {
  const log = new Map<string, string[]>();
  const call = async (account: string, path: string, body?: object) => {
    const answer = await fetch(`${oneway}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        Authorization: `Bearer ${readFileSync(keyFile, 'utf8').trim()}`,
        'Content-Type': 'application/json',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const told = (await answer.json()) as {
      migration_status?: string;
      error?: { message: string };
    };
    const text = told.migration_status ?? told.error?.message ?? '';
    const asked = body === undefined ? `GET ${path}` : `POST ${path} ${JSON.stringify(body)}`;
    log.get(account)?.push(`${asked}: ${answer.status} ${text}`);
    return { status: answer.status, text };
  };
  const reach = async (account: string, wanted: string) => {
    for (;;) {
      const path = `/check-migration?account_id=${encodeURIComponent(account)}`;
      const { status, text } = await call(account, path);
      if (status !== 200 || [wanted, 'completed', 'failed', 'not_needed'].includes(text)) return;
      await sleep(500);
    }
  };
  const drive = async (account: string, location: string | null) => {
    const from = location === null ? {} : { location };
    const own = `/accounts/${encodeURIComponent(account)}`;
    await call(account, '/accounts', { account_id: account });
    await call(account, '/migrate', { account_id: account, part: 'recent', ...from });
    await reach(account, 'recent-messages-only');
    await call(account, own, { migration_status: 'recent-only' });
    await call(account, '/migrate', { account_id: account, part: 'remaining', ...from });
    await reach(account, 'completed');
    await call(account, own, { migration_status: 'completed' });
  };
  return {
    log,
    start: (account, location) => {
      log.set(account, []);
      drive(account, location).catch((error: unknown) => log.get(account)?.push(String(error)));
    },
  };
}
