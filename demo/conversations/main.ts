// Runs Conversations as a program. Environment variables: PORT, STORE_PORT and CERTIFICATE_FILE. Optional: STORE_FOLDER
// is the folder where the DynamoDB store keeps its records on disk; SAMPLE_FILE adds the demo’s accounts, and this file
// keeps the time of their newest messages; ONEWAY_URL is the server that the apps call; ONEWAY_KEY_FILE holds the API
// key for Oneway. Prints the addresses if no port is given.
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
// Without a given port, the system chooses free ports, and the caller learns the addresses from this output.
if (PORT === '0') {
  const { url, storeUrl } = started;
  console.log(JSON.stringify({ url, storeUrl }));
}
