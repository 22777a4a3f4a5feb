// Creates the key and the self-signed certificate with which Oneway identifies itself to Conversations, for the demo
// and the tests.
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { generate } from 'selfsigned';

export const certificateFiles = (folder: string) => ({
  key: resolve(folder, 'key.pem'),
  certificate: resolve(folder, 'certificate.pem'),
});

/** Creates a key and a certificate, and writes both to files in a folder. */
export async function writeCertificate(folder: string) {
  const made = await generate([{ name: 'commonName', value: 'oneway' }], {
    keyType: 'ec',
    algorithm: 'sha256',
  });
  mkdirSync(folder, { recursive: true });
  const files = certificateFiles(folder);
  writeFileSync(files.key, made.private, { mode: 0o600 });
  writeFileSync(files.certificate, made.cert);
  return { certificate: made.cert, files };
}
