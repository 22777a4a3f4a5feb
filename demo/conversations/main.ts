// Runs Conversations as a program: PORT, STORE_PORT, CERTIFICATE_FILE; perhaps STORE_FOLDER (keeps the store on the disk)
// and SAMPLE_FILE (has the accounts of the demo; the file keeps their time), ONEWAY_URL (where their apps ask) and ONEWAY_KEY_FILE. Prints
// addresses that nobody chose.
import { readFileSync } from 'node:fs';
import { sampleAccounts, timeOfFirstStart } from './sample.ts';
import { startConversations } from './server.ts';

const {
  PORT = '0',
  STORE_PORT = '0',
  CERTIFICATE_FILE = '',
  STORE_FOLDER,
  SAMPLE_FILE,
  ONEWAY_URL,
  ONEWAY_KEY_FILE,
} = process.env;

const started = await startConversations({
  certificate: readFileSync(CERTIFICATE_FILE, 'utf8'),
  port: Number(PORT),
  storePort: Number(STORE_PORT),
  ...(STORE_FOLDER !== undefined && { folder: STORE_FOLDER }),
  ...(ONEWAY_URL !== undefined && { oneway: ONEWAY_URL }),
  ...(ONEWAY_KEY_FILE !== undefined && { keyFile: ONEWAY_KEY_FILE }),
});
if (SAMPLE_FILE !== undefined) {
  for (const account of sampleAccounts(timeOfFirstStart(SAMPLE_FILE))) await started.add(account);
}
// Who chose the ports knows the addresses.
if (PORT === '0') {
  const { url, storeUrl } = started;
  console.log(JSON.stringify({ url, storeUrl }));
}
