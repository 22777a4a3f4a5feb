// Conversations (the older system that accounts move in from) for tests: in the tests’ process, or as another process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeCertificate } from '../../demo/conversations/certificate.ts';
import type { FaultWanted } from '../../demo/conversations/faults.ts';
import type { Wanted } from '../../demo/conversations/records.ts';
import {
  startConversations,
  variablesFor,
  type Conversations,
} from '../../demo/conversations/server.ts';
import { moveSettings, type MoveSettings } from '../../src/account-moves/settings.ts';
import { withDefaults } from '../../src/defaults.ts';
import { afterAll, afterEach, beforeAll } from './hooks.ts';
import { surroundings } from './left-behind.ts';
import { openWorld, useWorld, type World } from './world.ts';

type Variables = Record<string, string>;

/**
 * The older system (Conversations) in this process. Its `variables` also contain the paths of a key and a certificate.
 */
export type OlderSystem = Conversations & { moves: MoveSettings };

/** Starts the older system (Conversations, from which accounts are migrated) in this process. */
export async function openConversations(): Promise<OlderSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'oneway-conversations-'));
  const { certificate, files } = await writeCertificate(folder);
  const started = await startConversations({ certificate });
  const variables = { ...started.variables, ...fileVariables(files) };
  return {
    ...started,
    variables,
    moves: movesWith(variables),
    close: async () => {
      await started.close();
      await rm(folder, { recursive: true });
    },
  };
}

const fileVariables = (files: { key: string; certificate: string }) => ({
  CONVERSATIONS_KEY_FILE: files.key,
  CONVERSATIONS_CERTIFICATE_FILE: files.certificate,
});

/** Parses the settings of account migrations from environment variables. */
function movesWith(variables: Variables): MoveSettings {
  const { moves, wrong } = moveSettings(withDefaults(variables));
  if (!moves) throw new Error(`Wrong settings of moves: ${wrong.join('; ')}`);
  return moves;
}

/**
 * Runs the older system (Conversations) in this process for the tests of a file. If a test made it fail, it works
 * normally again after the test.
 */
export function useConversations(): OlderSystem {
  let older: OlderSystem | undefined;
  beforeAll(async () => {
    older = await openConversations();
  });
  afterEach(() => older?.heal());
  afterAll(() => older?.close());
  return new Proxy({} as OlderSystem, {
    get: (_none, name) => {
      if (!older) throw new Error('Conversations runs only inside hooks and tests.');
      return Reflect.get(older, name) as unknown;
    },
  });
}

/**
 * Opens the environments for the tests of a file, and the older system (Conversations), from which accounts are
 * migrated into each environment. `also`: further variables of all environments.
 */
export function useMovingWorld(also: Variables = {}): { world: World; older: OlderSystem } {
  const older = useConversations();
  const open = () =>
    openWorld(undefined, (variables) => {
      for (const one of Object.values(variables)) Object.assign(one, older.variables, also);
    });
  return { world: useWorld({ open }), older };
}

/** The older system (Conversations, from which accounts are migrated) as another process. */
export type OlderProgram = {
  url: string;
  storeUrl: string;
  variables: Variables;
  moves: MoveSettings;
  add(given: Partial<Wanted> & { id: string }): Promise<Wanted>;
  fail(wanted: FaultWanted): Promise<void>;
  heal(): Promise<void>;
  shopperToken(account: string): Promise<string>;
  close(): Promise<void>;
};

/**
 * Starts the older system (Conversations) as another process. `isOnDisk`: its store is on disk and uses little memory.
 */
export async function startConversationsProgram({ isOnDisk = false } = {}): Promise<OlderProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'oneway-conversations-'));
  const { files } = await writeCertificate(folder);
  const child = spawn(process.execPath, ['demo/conversations/main.ts'], {
    env: {
      ...surroundings(),
      CERTIFICATE_FILE: files.certificate,
      ...(isOnDisk && { STORE_FOLDER: join(folder, 'store') }),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { url, storeUrl } = JSON.parse(line) as { url: string; storeUrl: string };
  const variables = { ...variablesFor({ url, storeUrl }), ...fileVariables(files) };
  const change = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(url + path, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return answer.json();
  };
  return {
    url,
    storeUrl,
    variables,
    moves: movesWith(variables),
    add: async (given) => {
      const added = (await change('POST', '/generated-accounts', given)) as Wanted;
      return { ...added, newest: new Date(added.newest) };
    },
    fail: async (wanted) =>
      void (await change('POST', '/faults', { ...wanted, match: wanted.match.source })),
    heal: async () => void (await change('DELETE', '/faults')),
    shopperToken: async (account) => {
      const path = `/shopper-tokens?account_id=${encodeURIComponent(account)}`;
      return ((await change('POST', path)) as { token: string }).token;
    },
    close: async () => {
      child.kill();
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}
