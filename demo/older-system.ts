// Conversations in the demo: the accounts of three environments can move in from it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { certificateFiles, writeCertificate } from './conversations/certificate.ts';
import { variablesFor } from './conversations/server.ts';

type Start = (file: string, variables: Record<string, string>, address: string) => Promise<void>;

type Plan = {
  /** Keeps the key, the certificate, and the time of the newest messages. */
  folder: string;
  port: number;
  storePort: number;
  /** The server of Oneway that the apps of the accounts ask. */
  oneway: string;
  start: Start;
};

/** Starts Conversations with sample accounts; returns the settings for it. */
export async function startOlderSystem({ folder, port, storePort, oneway, start }: Plan) {
  const files = certificateFiles(folder);
  if (!existsSync(files.certificate)) await writeCertificate(folder);
  const url = `http://127.0.0.1:${port}`;
  await start(
    'demo/conversations/main.ts',
    {
      PORT: String(port),
      STORE_PORT: String(storePort),
      CERTIFICATE_FILE: files.certificate,
      SAMPLE_FILE: join(folder, 'newest'),
      ONEWAY_URL: oneway,
    },
    `${url}/.well-known/jwks.json`,
  );
  return {
    ...variablesFor({ url, storeUrl: `http://127.0.0.1:${storePort}` }),
    CONVERSATIONS_KEY_FILE: files.key,
    CONVERSATIONS_CERTIFICATE_FILE: files.certificate,
  };
}
