// The HAWK keys of the demo, with which programs sign their requests: one key for the data pipeline (which copies
// datasets from the signed API into a database), and one for an invented client of the signed API.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import * as credentials from '../src/access/credentials.ts';
import type { App } from '../src/environments/app.ts';
import { PIPELINE_SCOPE } from '../src/signed-api/datasets.ts';

const FILE = 'var/demo/hawk-keys.json';
const keySchema = z.object({ id: z.string(), key: z.string() });
const keysSchema = z.object({ pipeline: keySchema, client: keySchema });

/**
 * Creates the keys and writes them to a file beside the demo’s data, because their secrets can be
 * read only now.
 */
export async function makeKeys(here: App) {
  const make = async (name: string, scopes: string[]) => {
    const wanted = { kind: 'hawk' as const, name, scopes };
    const { publicPart: id, secret: key } = await credentials.create(here, 'setup', wanted);
    return { id, key };
  };
  const keys = {
    pipeline: await make('DSSGenericPipeline', [PIPELINE_SCOPE]),
    client: await make('Transport dashboard', [
      'dataset:statistics/cities',
      'dataset:statistics/rainfall',
      'sources:run',
    ]),
  };
  writeFileSync(FILE, JSON.stringify(keys), { mode: 0o600 });
}

/**
 * Returns the settings with which the server’s data pipeline signs its requests, and the environment variables with
 * which the client calls the signed API.
 */
export function readKeys(url: string) {
  if (!existsSync(FILE)) throw new Error(`${FILE} is missing: start with bin/demo --reset`);
  const { pipeline, client } = keysSchema.parse(JSON.parse(readFileSync(FILE, 'utf8')));
  return {
    server: { PIPELINE_HAWK_ID: pipeline.id, PIPELINE_HAWK_KEY: pipeline.key },
    client: {
      ONEWAY_URL: url,
      DATASET: 'statistics/cities',
      HAWK_ID: client.id,
      HAWK_KEY: client.key,
    },
  };
}
