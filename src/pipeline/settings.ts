// The settings of the pipeline: the datasets database, the storage for fetched pages, and the HAWK key with which the
// pipeline reads the signed API.
import { address, type SqlAddress } from '../database/address.ts';
import { storageAddress, type StorageAddress } from '../storage/address.ts';

export type PipelineSettings = {
  /** The datasets database, into which the pipeline copies datasets. */
  target: SqlAddress;
  store: StorageAddress;
  key: { id: string; key: string; algorithm: 'sha256' };
};

type Variables = Record<string, string | undefined>;

const TARGET = 'DATASETS_SQL_DB';
const ACCESS = ['PIPELINE_STORAGE_ACCESS_KEY_ID', 'PIPELINE_STORAGE_SECRET_ACCESS_KEY'] as const;
const needed = [
  `${TARGET}_NAME`,
  `${TARGET}_USER`,
  `${TARGET}_PASSWORD`,
  `${TARGET}_HOST`,
  'PIPELINE_STORAGE_URL',
  'PIPELINE_HAWK_ID',
  'PIPELINE_HAWK_KEY',
];

export const pipelineVariables = [
  ...needed,
  `${TARGET}_PORT`,
  `${TARGET}_TLS`,
  ...ACCESS,
  'ENVIRONMENT',
  'ENVIRONMENT_URLS',
];

/**
 * Parses the settings of the pipeline. `pipeline` is null when no setting is set or one is wrong;
 * `wrong` lists an error for each wrong setting.
 */
export function pipelineSettings(
  variables: Variables,
  ownUrl: string | undefined,
): { pipeline: PipelineSettings | null; wrong: string[] } {
  const given = [...needed, ...ACCESS].filter((name) => variables[name]);
  if (given.length === 0) return { pipeline: null, wrong: [] };
  const wrong = needed
    .filter((name) => !variables[name])
    .map((name) => `${name}: is missing; the pipeline needs it beside ${given.join(', ')}`);
  if (ownUrl === undefined) {
    wrong.push('ENVIRONMENT_URLS: lacks this environment, whose API the pipeline reads');
  }
  const [id, secret] = ACCESS.map((name) => variables[name]);
  if (!id !== !secret) wrong.push(`${ACCESS.join(' and ')}: give both or none`);
  const keys = id && secret ? { id, secret } : null;
  const url = variables['PIPELINE_STORAGE_URL'];
  const store = url ? storageAddress(url, keys) : '';
  if (typeof store === 'string' && store !== '') wrong.push(`PIPELINE_STORAGE_URL: ${store}`);
  const target = targetOf(variables, wrong);
  if (wrong.length > 0 || typeof store === 'string' || target === null) {
    return { pipeline: null, wrong };
  }
  const key = {
    id: variables['PIPELINE_HAWK_ID'] ?? '',
    key: variables['PIPELINE_HAWK_KEY'] ?? '',
    algorithm: 'sha256',
  } as const;
  return { pipeline: { target, store, key }, wrong };
}

function targetOf(variables: Variables, wrong: string[]): SqlAddress | null {
  const parts = Object.entries(variables)
    .filter(([name]) => name.startsWith(`${TARGET}_`))
    .map(([name, value]) => [name.slice(TARGET.length + 1), value]);
  const { data, error } = address.safeParse(Object.fromEntries(parts));
  if (data) return data;
  const known = wrong.length;
  for (const { path, message } of error.issues) {
    const name = `${TARGET}_${path.join('_')}`;
    if (!wrong.slice(0, known).some((one) => one.startsWith(`${name}:`))) {
      wrong.push(`${name}: ${message}`);
    }
  }
  return null;
}
