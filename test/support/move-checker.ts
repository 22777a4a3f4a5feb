// Compares the rows that an account migration wrote into this environment with the store of Conversations, the older
// system. The checker shares no code with the readers and parsers of migrations: otherwise it would repeat their errors
// instead of finding them.
import { DynamoDBClient, QueryCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { createHash } from 'node:crypto';
import { contentOf } from '../../demo/conversations/media.ts';
import { select, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';

type Source = { storeUrl: string };
type Item = Record<string, unknown>;

/**
 * Converts a value of DynamoDB, the store of Conversations (the older system). Numbers become texts, because a double
 * cannot hold every number exactly.
 */
function plain(value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return value.N;
  if (value.L) return value.L.map(plain);
  if (value.M) return record(value.M);
  return value.BOOL ?? null;
}
const record = (item: Record<string, AttributeValue>): Item =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plain(value)]));

/** Reads all items of an account from a DynamoDB table, in which Conversations (the older system) stores them. */
async function itemsThere({ storeUrl }: Source, table: string, account: string): Promise<Item[]> {
  const client = new DynamoDBClient({
    endpoint: storeUrl,
    region: 'us-east-1',
    credentials: { accessKeyId: 'checker', secretAccessKey: 'checker' },
  });
  const items: Item[] = [];
  let start: Record<string, AttributeValue> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'account_id = :account',
        ExpressionAttributeValues: { ':account': { S: account } },
        ExclusiveStartKey: start,
      }),
    );
    items.push(...Items.map(record));
    start = LastEvaluatedKey;
  } while (start);
  client.destroy();
  return items;
}

type MessageHere = {
  position: string;
  thread_id: string;
  direction: string;
  author: string;
  body: string;
  run: number;
  gone_at: string | null;
};
type ThreadHere = {
  id: string;
  channel_id: string;
  title: string;
  customer: string;
  last_at: string;
  run: number;
  gone_at: string | null;
};
type AttachmentHere = {
  position: string;
  id: string;
  name: string;
  type: string;
  state: string;
  object: string | null;
  size: number | null;
  sha256: string | null;
  gone_at: string | null;
};
type MoveHere = {
  run: number;
  migration_status: string;
  messages: number;
  threads: number;
  attachments: number;
  skipped: number;
  failed: number;
};

async function here(app: App, account: string) {
  const own = sql`account_id = (select id from inbox_account where external_id = ${account})`;
  const [move] = await select<MoveHere>(app.sql, sql`select * from account_move where ${own}`);
  if (!move) throw new Error(`Account ${account} has no move`);
  return {
    move,
    messages: await select<MessageHere>(
      app.sql,
      sql`select * from inbox_message where ${own} and run is not null`,
    ),
    threads: await select<ThreadHere>(
      app.sql,
      sql`select * from inbox_thread where ${own} and run is not null`,
    ),
    attachments: await select<AttachmentHere>(
      app.sql,
      sql`select * from inbox_attachment where ${own} and run is not null`,
    ),
    letters: await select<{ item_key: string; state: string }>(
      app.sql,
      sql`select item_key, state from dead_letter where subject = ${account} and state = 'open'`,
    ),
    events: await select<{ run: number; kind: string; name: string }>(
      app.sql,
      sql`select run, kind, name from account_move_event where ${own} order by id`,
    ),
  };
}
type Here = Awaited<ReturnType<typeof here>>;

/**
 * Returns the errors in an account after its migration, as sentences; empty if there are none. The older system
 * (`older`) must not simulate faults during this call, because its items are read for the comparison.
 */
export async function checkMove(app: App, older: Source, account: string): Promise<string[]> {
  const arrived = await here(app, account);
  const there = {
    messages: await itemsThere(older, 'messages', account),
    threads: await itemsThere(older, 'threads', account),
  };
  return [
    ...checkMessages(arrived, there.messages),
    ...checkThreads(arrived, there.threads),
    ...(await checkAttachments(app, account, arrived, there.messages)),
    ...checkCounts(arrived),
    ...checkEvents(arrived),
  ];
}

function checkMessages({ messages, letters }: Here, items: Item[]): string[] {
  const found: string[] = [];
  const known = new Map(messages.map((one) => [one.position, one]));
  const lost = new Set(letters.map(({ item_key: key }) => key));
  const there = new Set<string>();
  for (const item of items) {
    const position = String(item['position']);
    there.add(position);
    const one = known.get(position);
    const isLost = lost.has(`message ${position}`);
    if (!one && !isLost) found.push(`message ${position} is missing`);
    if (one && isLost) found.push(`message ${position} is here and a dead letter`);
    if (!one) continue;
    const differing = ['thread_id', 'direction', 'author', 'body'].filter(
      (name) => (item[name] ?? '') !== one[name as 'body'],
    );
    if (differing.length > 0) found.push(`message ${position} differs: ${differing.join()}`);
    if (one.gone_at !== null) found.push(`message ${position} is marked as gone, and is there`);
  }
  for (const { position, gone_at: gone } of messages) {
    if (!there.has(position) && gone === null) found.push(`message ${position} is not there`);
  }
  return found;
}

function checkThreads({ threads, messages, letters }: Here, items: Item[]): string[] {
  const found: string[] = [];
  const known = new Map(threads.map((one) => [one.id, one]));
  const lost = new Set(letters.map(({ item_key: key }) => key));
  const there = new Set(items.map((item) => String(item['id'])));
  for (const item of items) {
    const id = String(item['id']);
    const one = known.get(id);
    if (lost.has(`thread ${id}`)) continue;
    if (!one) {
      found.push(`thread ${id} is missing`);
      continue;
    }
    const seen = { ...one, last_at: `${one.last_at.replace(' ', 'T')}Z` };
    const differing = ['channel_id', 'title', 'customer', 'last_at'].filter(
      (name) => (item[name] ?? '') !== seen[name as 'title'],
    );
    if (differing.length > 0) found.push(`thread ${id} differs: ${differing.join()}`);
    if (one.gone_at !== null) found.push(`thread ${id} is marked as gone, and is there`);
  }
  for (const { id, gone_at: gone } of threads) {
    if (!there.has(id) && gone === null) found.push(`thread ${id} is not there`);
  }
  for (const { thread_id: id } of messages) {
    if (!known.has(id)) found.push(`thread ${id} of a message is not here`);
  }
  return found;
}

async function checkAttachments(
  app: App,
  account: string,
  arrived: Here,
  items: Item[],
): Promise<string[]> {
  const found: string[] = [];
  const known = new Map(arrived.attachments.map((one) => [`${one.position} ${one.id}`, one]));
  const messages = new Set(arrived.messages.map(({ position }) => position));
  const lost = new Set(arrived.letters.map(({ item_key: key }) => key));
  const there = new Set<string>();
  for (const item of items) {
    const position = String(item['position']);
    const attachments = Array.isArray(item['attachments']) ? (item['attachments'] as Item[]) : [];
    if (!messages.has(position)) continue;
    for (const attachment of attachments) {
      const key = `${position} ${String(attachment['id'])}`;
      there.add(key);
      const one = known.get(key);
      if (!one) found.push(`attachment ${key} is missing`);
      else if (one.state === 'skipped' && !lost.has(`attachment ${key}`)) {
        found.push(`attachment ${key} is skipped without a dead letter`);
      } else if (one.state === 'waiting') found.push(`attachment ${key} waits`);
      else if (one.state === 'stored') found.push(...(await checkObject(app, key, one, account)));
      if (one && one.name !== attachment['name']) found.push(`attachment ${key} has another name`);
    }
  }
  for (const [key, { gone_at: gone }] of known) {
    if (!there.has(key) && gone === null) found.push(`attachment ${key} is not there`);
  }
  return found;
}

async function checkObject(
  app: App,
  key: string,
  line: AttachmentHere,
  account: string,
): Promise<string[]> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const part of await app.storage.read(line.object ?? '')) {
      hash.update(part as Uint8Array);
      size += (part as Uint8Array).length;
    }
  } catch (error) {
    return [`the object of attachment ${key} cannot be read: ${String(error)}`];
  }
  const sha256 = hash.digest('hex');
  const true256 = createHash('sha256').update(contentOf(account, line.id)?.body ?? '');
  if (sha256 !== true256.digest('hex')) return [`attachment ${key} has another content`];
  const isSame = size === line.size && sha256 === line.sha256;
  return isSame ? [] : [`the object of attachment ${key} is not what its line says`];
}

/** Checks the counts that an account’s migration has recorded for its last run against the rows in the database. */
function checkCounts({ move, messages, threads, attachments, letters }: Here): string[] {
  const ofRun = (rows: { run?: number }[]) => rows.filter(({ run }) => run === move.run).length;
  const lost = letters.filter(({ item_key: key }) => !key.startsWith('attachment '));
  const counted = {
    messages: ofRun(messages),
    threads: ofRun(threads),
    attachments: attachments.filter((one) => one.state === 'stored' && one.gone_at === null).length,
    skipped: attachments.filter((one) => one.state === 'skipped' && one.gone_at === null).length,
    failed: lost.length,
  };
  return Object.entries(counted).flatMap(([name, count]) => {
    const said = move[name as keyof typeof counted];
    return said === count ? [] : [`${name}: ${said} are counted, and ${count} are here`];
  });
}

const ranks = ['migrating', 'channels-only', 'recent-messages-only', 'completed'];

/**
 * Checks that within a run of an account’s migration, each status is recorded once and in order. After a failure the
 * run may repeat the status that it had reached.
 */
function checkEvents({ events }: Here): string[] {
  const found: string[] = [];
  let [run, rank, hasFailed] = [0, -1, false];
  for (const event of events.filter(({ kind }) => kind === 'status')) {
    if (event.run < run) found.push(`an event of run ${event.run} after one of run ${run}`);
    if (event.run > run) [run, rank, hasFailed] = [event.run, -1, false];
    if (event.name === 'failed') {
      hasFailed = true;
      continue;
    }
    const next = ranks.indexOf(event.name);
    if (next === -1) continue;
    const isAllowed = next === rank + 1 || (hasFailed && next === rank);
    if (!isAllowed) found.push(`run ${run}: ${event.name} after ${ranks[rank] ?? 'nothing'}`);
    [rank, hasFailed] = [next, false];
  }
  return found;
}
