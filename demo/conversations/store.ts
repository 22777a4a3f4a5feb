// The store of Conversations: dynalite, a DynamoDB server for tests, behind a proxy that can make any request fail.
import {
  CreateTableCommand,
  DynamoDBClient,
  type CreateTableCommandInput,
} from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import dynalite from 'dynalite';
import { once } from 'node:events';
import { createServer, request, Agent, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { send, takeFault, type Answer, type Errors, type Fault } from './faults.ts';
import type { Item } from './records.ts';
import { linesOf, recordLines, withoutKeys, type StoreRequest } from './store-lines.ts';

export const tables = { messages: 'messages', threads: 'threads' };

export type Store = {
  /** `url`: the proxy, where faults happen. `directUrl`: the store itself. */
  url: string;
  directUrl: string;
  /** A client of the store itself, without faults. */
  direct: DynamoDBDocumentClient;
  close(): Promise<void>;
};

export const storeClient = (endpoint: string) =>
  DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'demo', secretAccessKey: 'demo' },
    }),
    { marshallOptions: { removeUndefinedValues: true } },
  );

const listening = async (server: Server, port: number) => {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** Starts the store with its tables of messages and threads. `folder`: where the records are kept on disk. */
export async function startStore(
  faults: Fault[],
  { port = 0, folder }: { port?: number; folder?: string } = {},
): Promise<Store> {
  const server = dynalite({ createTableMs: 0, ...(folder !== undefined && { path: folder }) });
  const directUrl = await listening(server, 0);
  const agent = new Agent({ keepAlive: true });
  const proxy = createServer((req, res) => {
    passOn({ req, target: directUrl, agent, faults }).then(
      ({ answer, happening }) => send(res, answer, storeErrors, happening),
      () => res.destroy(),
    );
  });
  const url = await listening(proxy, port);
  const direct = storeClient(directUrl);
  await createTables(direct);
  return {
    url,
    directUrl,
    direct,
    close: async () => {
      direct.destroy();
      agent.destroy();
      for (const one of [proxy, server]) one.closeAllConnections();
      proxy.close();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Creates the tables of messages and threads, unless they exist already. */
export async function createTables(client: DynamoDBDocumentClient) {
  for (const [name, range] of [
    [tables.messages, 'position'],
    [tables.threads, 'id'],
  ] as const) {
    await client.send(new CreateTableCommand(table(name, range))).catch((error: Error) => {
      if (error.name !== 'ResourceInUseException') throw error;
    });
  }
}

const table = (TableName: string, range: string): CreateTableCommandInput => ({
  TableName,
  KeySchema: [
    { AttributeName: 'account_id', KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: 'account_id', AttributeType: 'S' },
    { AttributeName: range, AttributeType: 'S' },
  ],
  ProvisionedThroughput: { ReadCapacityUnits: 1000, WriteCapacityUnits: 1000 },
});

/** Writes items in batches of 25, several at the same time. */
export async function writeItems(
  client: DynamoDBDocumentClient,
  TableName: string,
  items: Iterable<Item>,
) {
  const waiting = batches(items);
  const writeSome = async () => {
    for (const batch of waiting) {
      const puts = batch.map((Item) => ({ PutRequest: { Item } }));
      await client.send(new BatchWriteCommand({ RequestItems: { [TableName]: puts } }));
    }
  };
  await Promise.all(Array.from({ length: 4 }, writeSome));
}

function* batches(items: Iterable<Item>): Generator<Item[]> {
  let batch: Item[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < 25) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

type Passing = { req: IncomingMessage; target: string; agent: Agent; faults: Fault[] };

async function passOn({ req, target, agent, faults }: Passing) {
  const body = await buffer(req);
  if (faults.length === 0) {
    return { answer: await ask(target, agent, req, body), happening: null };
  }
  const asked = {
    operation: String(req.headers['x-amz-target']).replace(/^.*\./, ''),
    body: JSON.parse(body.toString()) as StoreRequest['body'],
  };
  const before = takeFault(faults, linesOf(asked));
  if (before?.name === 'unprocessed') {
    const { kept, left } = withoutKeys(asked, before.match);
    const isEmpty = Object.keys(kept.RequestItems).length === 0;
    const answer = await ask(
      target,
      agent,
      req,
      isEmpty ? body : Buffer.from(JSON.stringify(kept)),
    );
    const found = JSON.parse((answer.body as Buffer).toString()) as object;
    if (isEmpty) Object.assign(found, { Responses: {} });
    const text = JSON.stringify({ ...found, UnprocessedKeys: left });
    return { answer: { ...answer, body: Buffer.from(text) }, happening: null };
  }
  const answer = await ask(target, agent, req, body);
  const after = before ? null : takeFault(faults, recordLines(asked, answer.body as Buffer));
  return { answer, happening: before ?? after };
}

/** Forwards a request to dynalite and returns the answer. */
async function ask(
  target: string,
  agent: Agent,
  { method, headers }: IncomingMessage,
  body: Buffer,
): Promise<Answer> {
  const asked = request(target, {
    method,
    agent,
    headers: { ...headers, 'content-length': String(body.length) },
  });
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const type = answer.headers['content-type'] ?? '';
  return {
    status: answer.statusCode ?? 500,
    headers: { 'Content-Type': type },
    body: await buffer(answer),
  };
}

const storeError = (status: number, type: string, message: string): Answer => ({
  status,
  headers: { 'Content-Type': 'application/x-amz-json-1.0' },
  body: Buffer.from(
    JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message }),
  ),
});

const storeErrors: Errors = {
  throttle: storeError(
    400,
    'ProvisionedThroughputExceededException',
    'The level of configured provisioned throughput for the table was exceeded.',
  ),
  '500': storeError(500, 'InternalServerError', 'Internal server error'),
  '401': storeError(
    400,
    'AccessDeniedException',
    'User oneway is not authorized to perform: dynamodb:Query',
  ),
  '404': storeError(400, 'ResourceNotFoundException', 'Requested resource not found'),
};
