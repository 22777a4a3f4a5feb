// Conversations, an invented system from which accounts are migrated to Oneway: accounts with encrypted channels, media
// that need a token, and a DynamoDB store of messages. In the demo this server runs in a process of its own; in tests
// it runs in the process of the test.
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { JWTPayload } from 'jose';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sealed, type Account } from './accounts.ts';
import { phoneApp } from './app.ts';
import { driver } from './drive.ts';
import { fault, type Fault, type FaultWanted } from './faults.ts';
import {
  brandsOf,
  channelsOf,
  DEAD_HOST,
  messageItems,
  threadItems,
  wanted,
  type Wanted,
} from './records.ts';
import { answerTo, type Asked } from './routes.ts';
import { startStore, tables, writeItems } from './store.ts';
import { AUDIENCE, openTokens } from './tokens.ts';

export type Conversations = {
  url: string;
  /** The address of the proxy in front of the DynamoDB store; the proxy makes faults happen. */
  storeUrl: string;
  /** A DynamoDB client that reaches the store directly, not through the proxy that makes faults happen. */
  store: DynamoDBDocumentClient;
  accounts: Map<string, Account>;
  faults: Fault[];
  /** Every request so far to the API and the media, but not to the store. */
  requests: Asked[];
  /** Switches on a fault from now on. */
  fail(wanted: FaultWanted): Fault;
  /** Switches off all faults. */
  heal(): void;
  /** Adds an account with generated records. */
  add(given: Partial<Wanted> & { id: string }): Promise<Wanted>;
  /** Creates a token for the phone app of an account, which sends this token to Oneway. */
  shopperToken(account: string, claims?: JWTPayload): Promise<string>;
  /** The environment variables with which Oneway connects to this server, except those of the key and certificate. */
  variables: Record<string, string>;
  close(): Promise<void>;
};

type Options = {
  /** The certificate (PEM) of Oneway, the system that may read accounts and media. */
  certificate: string;
  /** The ports of the API and the store; free ports by default. */
  port?: number;
  storePort?: number;
  /** The address of Oneway, for the apps of the demo. */
  oneway?: string;
  /** The file with the API key with which Conversations controls migrations in Oneway. */
  keyFile?: string;
  /** The folder that keeps the records of the store on disk. */
  folder?: string;
};

export async function startConversations(options: Options): Promise<Conversations> {
  const { certificate, port = 0, storePort = 0, folder, oneway, keyFile } = options;
  const faults: Fault[] = [];
  const requests: Asked[] = [];
  const accounts = new Map<string, Account>();
  const generated = new Map<string, Wanted>();
  const store = await startStore(faults, {
    port: storePort,
    ...(folder !== undefined && { folder }),
  });
  let url = '';
  const tokens = await openTokens(certificate, () => url);
  const add: Conversations['add'] = async (given) => {
    const account = wanted({ media: url, ...given });
    const { id, name, messages } = account;
    const content = { brands: brandsOf(account), channels: channelsOf(account) };
    await writeItems(store.direct, tables.threads, threadItems(account));
    await writeItems(store.direct, tables.messages, messageItems(account));
    generated.set(id, account);
    accounts.set(id, { id, name, messageCount: messages, sealed: sealed(content) });
    return account;
  };
  const app = oneway === undefined ? null : phoneApp(oneway, (account) => tokens.shopper(account));
  const drives = oneway === undefined || keyFile === undefined ? null : driver({ oneway, keyFile });
  const server = createServer((req, res) => {
    answerTo(
      { accounts, generated, faults, requests, tokens, add, app, driver: drives, url },
      req,
      res,
    ).catch(() => res.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    storeUrl: store.url,
    store: store.direct,
    accounts,
    faults,
    requests,
    fail: (broken) => {
      const made = fault(broken);
      faults.push(made);
      return made;
    },
    heal: () => void faults.splice(0),
    add,
    shopperToken: (account, claims) => tokens.shopper(account, claims),
    variables: variablesFor({ url, storeUrl: store.url }),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await store.close();
    },
  };
}

/** Returns the settings with which Oneway uses the Conversations server at these addresses. */
export const variablesFor = ({ url, storeUrl }: { url: string; storeUrl: string }) => ({
  CONVERSATIONS_URL: url,
  STORE_ENDPOINT: storeUrl,
  STORE_REGION: 'us-east-1',
  STORE_MESSAGES_TABLE: tables.messages,
  STORE_THREADS_TABLE: tables.threads,
  STORE_ACCESS_KEY_ID: 'demo',
  STORE_SECRET_ACCESS_KEY: 'demo',
  MEDIA_HOSTS: `${new URL(url).host},${DEAD_HOST}`,
  ACCOUNT_TOKENS_ISSUER: url,
  ACCOUNT_TOKENS_AUDIENCE: AUDIENCE,
  ACCOUNT_TOKENS_JWKS: `${url}/.well-known/jwks.json`,
});
