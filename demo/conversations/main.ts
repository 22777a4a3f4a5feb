// Runs Conversations as a program: PORT, STORE_PORT, CERTIFICATE_FILE, and perhaps STORE_FOLDER. Prints its addresses.
import { readFileSync } from 'node:fs';
import { startConversations } from './server.ts';

const { PORT = '0', STORE_PORT = '0', CERTIFICATE_FILE = '', STORE_FOLDER } = process.env;

const { url, storeUrl } = await startConversations({
  certificate: readFileSync(CERTIFICATE_FILE, 'utf8'),
  port: Number(PORT),
  storePort: Number(STORE_PORT),
  ...(STORE_FOLDER !== undefined && { folder: STORE_FOLDER }),
});
console.log(JSON.stringify({ url, storeUrl }));
