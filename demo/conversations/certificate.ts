// A key and its self-signed certificate, for the demo and the tests.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

export type CertificateFiles = { certificate: string; files: { key: string; certificate: string } };

/** Makes a key and a certificate, and writes them into a folder. */
export async function writeCertificate(folder: string): Promise<CertificateFiles> {
  const made = await generate([{ name: 'commonName', value: 'oneway' }], {
    keyType: 'ec',
    algorithm: 'sha256',
  });
  mkdirSync(folder, { recursive: true });
  const files = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') };
  writeFileSync(files.key, made.private, { mode: 0o600 });
  writeFileSync(files.certificate, made.cert);
  return { certificate: made.cert, files };
}
