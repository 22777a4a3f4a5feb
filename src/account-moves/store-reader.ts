// Reads DynamoDB, the store of the older system Conversations. The AWS role of this program needs only Query, GetItem
// and BatchGetItem. All reads are strongly consistent: a message missed because a replica is late would never be
// migrated.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAttachment } from './attachment-source.ts';
import { patience } from './patience.ts';
import { exactNumber } from './raw-json.ts';
import {
  SourceFailed,
  type RawRecord,
  type Reader,
  type ReadPage,
  type ReadRange,
} from './reader.ts';
import type { MoveSettings } from './settings.ts';
import { storeFailure } from './store-failure.ts';

/** How many keys DynamoDB accepts in one BatchGetItem request. */
const BATCH = 100;
/** How many thread ids one query reads. */
const IDS = 1000;

type Item = Record<string, unknown>;

/** Returns a reader for the messages and threads of one account in DynamoDB. */
export function storeReader(moves: MoveSettings, account: string, halt: AbortSignal): Reader {
  const { messagesTable, threadsTable } = moves.store;
  const patient = connect(moves.store, patience.storeAttempts);
  // This client sends each request only once. It reads single records, and narrowing.ts repeats and counts these
  // attempts.
  const once = connect(moves.store, 1);

  const asked = async <T>(ask: (abort: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> => {
    try {
      return await ask({ abortSignal: halt });
    } catch (error) {
      throw storeFailure(error, halt);
    }
  };
  const query = (question: QueryCommandInput) =>
    asked((abort) => patient.send(new QueryCommand({ ...question, ConsistentRead: true }), abort));

  const page = async <T>(
    { after, until, limit }: ReadRange,
    projection: Pick<QueryCommandInput, 'ProjectionExpression'>,
    parse: (item: Item) => T,
  ): Promise<ReadPage<T>> => {
    // The cursor `after` has already reached `until`: return an empty page, because DynamoDB
    // refuses a start key outside the queried range.
    if (after && until && after <= until) return { items: [], next: null };
    const isDown = typeof until === 'string';
    const { Items = [], LastEvaluatedKey } = await query({
      TableName: messagesTable,
      KeyConditionExpression: `account_id = :account${isDown ? ' and #position > :until' : ''}`,
      ExpressionAttributeValues: { ':account': account, ...(isDown && { ':until': until }) },
      ...((isDown || projection.ProjectionExpression) && {
        ExpressionAttributeNames: { '#position': 'position' },
      }),
      ...projection,
      ...(after && { ExclusiveStartKey: { account_id: account, position: after } }),
      ScanIndexForward: false,
      Limit: limit,
    });
    return { items: Items.map(parse), next: (LastEvaluatedKey?.['position'] as string) ?? null };
  };

  const batch = async (ids: string[]): Promise<RawRecord[]> => {
    const client = ids.length === 1 ? once : patient;
    const found: RawRecord[] = [];
    let left: Item[] = ids.map((id) => ({ account_id: account, id }));
    for (let tries = 0; left.length > 0; tries += 1) {
      if (tries > patience.storeAttempts) {
        throw new SourceFailed('throttled', 'The store left threads of a batch unread.');
      }
      if (tries > 0) await sleep(patience.recordDelay * 2 ** (tries - 1));
      const Keys = left;
      const { Responses = {}, UnprocessedKeys = {} } = await asked((abort) =>
        client.send(
          new BatchGetCommand({ RequestItems: { [threadsTable]: { Keys, ConsistentRead: true } } }),
          abort,
        ),
      );
      found.push(...(Responses[threadsTable] ?? []).map((item) => record(item, 'id')));
      const unread = UnprocessedKeys[threadsTable]?.Keys ?? [];
      // DynamoDB has returned some threads of the batch, so the attempt has not failed: count failed attempts from 0
      // again.
      if (unread.length < left.length) tries = 0;
      left = unread;
    }
    return found;
  };

  return {
    messages: (range) => page(range, {}, (item) => record(item, 'position')),
    cursors: (range) =>
      page(range, { ProjectionExpression: '#position' }, (item) => String(item['position'])),
    message: async (position) => {
      const { Item } = await asked((abort) =>
        once.send(
          new GetCommand({
            TableName: messagesTable,
            Key: { account_id: account, position },
            ConsistentRead: true,
          }),
          abort,
        ),
      );
      return Item ? record(Item, 'position') : null;
    },
    threads: async (ids) => {
      const unique = [...new Set(ids)];
      const found: RawRecord[] = [];
      for (let from = 0; from < unique.length; from += BATCH) {
        found.push(...(await batch(unique.slice(from, from + BATCH))));
      }
      return found;
    },
    threadIds: async (after) => {
      const { Items = [], LastEvaluatedKey } = await query({
        TableName: threadsTable,
        KeyConditionExpression: 'account_id = :account',
        ExpressionAttributeValues: { ':account': account },
        ExpressionAttributeNames: { '#id': 'id' },
        ProjectionExpression: '#id',
        ...(after !== null && { ExclusiveStartKey: { account_id: account, id: after } }),
        Limit: IDS,
      });
      const next = (LastEvaluatedKey?.['id'] as string | undefined) ?? null;
      return { items: Items.map((item) => String(item['id'])), next };
    },
    attachment: (of, signal) => openAttachment(moves, of, signal),
    close: () => {
      patient.destroy();
      once.destroy();
    },
  };
}

const record = (item: Item, key: string): RawRecord => ({ cursor: String(item[key]), item });

function connect({ endpoint, region, keys }: MoveSettings['store'], maxAttempts: number) {
  const client = new DynamoDBClient({
    region,
    ...(endpoint !== null && { endpoint }),
    ...(keys && { credentials: { accessKeyId: keys.id, secretAccessKey: keys.secret } }),
    maxAttempts,
    retryMode: maxAttempts > 1 ? 'adaptive' : 'standard',
    requestHandler: {
      connectionTimeout: patience.store,
      requestTimeout: patience.store,
      throwOnRequestTimeout: true,
      // How long DynamoDB may be silent in the middle of an answer; the two timeouts above apply only until the answer
      // begins.
      socketTimeout: patience.store,
    },
  });
  return DynamoDBDocumentClient.from(client, {
    unmarshallOptions: { wrapNumbers: exactNumber },
  });
}
