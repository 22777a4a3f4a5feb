// Starts Conversations in the demo: the older system from which all three environments can migrate accounts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { certificateFiles, writeCertificate } from './conversations/certificate.ts';
import { variablesFor } from './conversations/server.ts';

/**
 * The files of Conversations in the demo: its API key for Oneway, and the time of its first start.
 */
const olderFolder = 'var/demo/conversations';
export const keyFile = join(olderFolder, 'oneway-key');
export const newestFile = join(olderFolder, 'newest');

type Start = (file: string, variables: Record<string, string>, address: string) => Promise<void>;

type Plan = {
  port: number;
  storePort: number;
  /** The URL of the Oneway server that the phone apps call for their accounts. */
  oneway: string;
  start: Start;
};

/** Starts Conversations with sample accounts; returns the settings with which Oneway uses it. */
export async function startOlderSystem({ port, storePort, oneway, start }: Plan) {
  const files = certificateFiles(olderFolder);
  if (!existsSync(files.certificate)) await writeCertificate(olderFolder);
  const url = `http://127.0.0.1:${port}`;
  await start(
    'demo/conversations/main.ts',
    {
      PORT: String(port),
      STORE_PORT: String(storePort),
      CERTIFICATE_FILE: files.certificate,
      SAMPLE_FILE: newestFile,
      ONEWAY_URL: oneway,
      ONEWAY_KEY_FILE: keyFile,
    },
    `${url}/.well-known/jwks.json`,
  );
  return {
    ...variablesFor({ url, storeUrl: `http://127.0.0.1:${storePort}` }),
    CONVERSATIONS_KEY_FILE: files.key,
    CONVERSATIONS_CERTIFICATE_FILE: files.certificate,
  };
}
