// Creates HAWK keys, the credentials of clients that sign their requests. The scopes of a HAWK key name the datasets
// that the client may read.
import { z } from 'zod';
import * as credentials from '../access/credentials.ts';
import type { Queryable } from '../database/sql.ts';
import * as datasets from '../datasets/datasets.ts';
import { fullName } from '../datasets/datasets.ts';
import type { App } from '../environments/app.ts';
import { parsed } from '../problems.ts';
import { PIPELINE_SCOPE, scopeOf } from '../signed-api/datasets.ts';
import { RUN_SCOPE } from '../signed-api/triggers.ts';
import { requiredLine } from '../typed-text.ts';
import { lastDay } from './keys.ts';

type Choice = [scope: string, text: string];

const general: Choice[] = [
  ['dataset:*', 'Every dataset that is open to clients'],
  [RUN_SCOPE, 'Runs sources'],
  [PIPELINE_SCOPE, 'The pipeline: every dataset, also those that are not open to clients'],
];

/**
 * Lists the scopes that an administrator can choose for a HAWK key: all datasets, starting runs that fetch from data
 * sources, the pipeline, all datasets of an organisation, or one dataset.
 */
export async function choices(on: Queryable): Promise<Choice[]> {
  const all = await datasets.list(on);
  const organisations = [...new Set(all.map(({ organisation }) => organisation))];
  return [
    ...general,
    ...organisations.flatMap((one): Choice[] => [
      [`dataset:${one}/*`, `Every dataset of ${one} that is open to clients`],
      ...all
        .filter(({ organisation }) => organisation === one)
        .map((dataset): Choice => [
          scopeOf(dataset),
          dataset.open_to_clients === 1
            ? fullName(dataset)
            : `${fullName(dataset)} (not open to clients now)`,
        ]),
    ]),
  ];
}

/** Describes in words what a client may do with a HAWK key. */
export const mayDo = ({ scopes }: Pick<credentials.Credential, 'scopes'>): string =>
  scopes.map((scope) => labels.get(scope) ?? scope.replace(/^dataset:/, '')).join(', ');
const labels = new Map(general);

const wantedKey = (offered: string[]) =>
  z.object({
    name: requiredLine('Enter the name of the client', 100),
    scopes: z
      .array(z.enum(offered, 'Choose from the list: this dataset is not there any more'))
      .min(1, 'Choose what it may read'),
    expiresAt: lastDay,
  });

/**
 * Creates a HAWK key and returns its secret, which cannot be read later.
 * @throws Invalid with a message for each wrong field
 */
export async function create(here: App, by: string, posted: unknown): Promise<credentials.Issued> {
  const offered = (await choices(here.sql)).map(([scope]) => scope);
  const wanted = parsed(wantedKey(offered), posted);
  return credentials.create(here, by, { ...wanted, kind: 'hawk', isNameUnique: true });
}
