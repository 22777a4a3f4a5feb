// Which datasets a client may read. The answers do not reveal the names of others: a key without the scope is refused
// whether or not there is such a dataset, and a dataset that is not open to clients answers as one that is not there.
import { covers, LacksScope } from '../access/scopes.ts';
import { fromSqlInstant, select, sql, type Queryable } from '../database/sql.ts';
import * as datasets from '../datasets/datasets.ts';
import { fullName, NAME_PART, type Dataset } from '../datasets/datasets.ts';
import * as versions from '../datasets/versions.ts';
import type { Version } from '../datasets/versions.ts';
import { ApiRefusal } from './refusal.ts';

type Client = { scopes: readonly string[] };
type Named = Pick<Dataset, 'organisation' | 'name'>;

/** The scope of the pipeline: it reads every dataset, also those that are not open to clients. */
export const PIPELINE_SCOPE = 'pipeline';
export const scopeOf = (dataset: Named): string => `dataset:${fullName(dataset)}`;

const hasScope = ({ scopes }: Client, dataset: Named) =>
  covers(scopes, PIPELINE_SCOPE) || covers(scopes, scopeOf(dataset));
const isOpen = ({ scopes }: Client, { open_to_clients: open }: Pick<Dataset, 'open_to_clients'>) =>
  open === 1 || covers(scopes, PIPELINE_SCOPE);

export type ReadableDataset = Named &
  Pick<Dataset, 'open_to_clients'> & { version: number; rows: number; updated: string };

/** The datasets with a version that a client may read. */
export async function readable(on: Queryable, client: Client): Promise<ReadableDataset[]> {
  const all = await select<ReadableDataset>(
    on,
    sql`select dataset.organisation, dataset.name, dataset.open_to_clients, version.number as version,
               version.row_count as \`rows\`, version.created_at as updated
          from dataset
          join data_version version on version.dataset = dataset.id and version.number = dataset.current_version
         order by dataset.organisation, dataset.name`,
  );
  return all
    .filter((one) => hasScope(client, one) && isOpen(client, one))
    .map((one) => ({ ...one, updated: fromSqlInstant(one.updated) }));
}

const missing = (dataset: Named) =>
  new ApiRefusal(404, 'not_found', `There is no dataset ${fullName(dataset)} for this key.`);

/**
 * Finds a dataset that the client may read.
 * @throws LacksScope, or ApiRefusal 404
 */
export async function find(on: Queryable, client: Client, wanted: Named): Promise<Dataset> {
  if (!NAME_PART.test(wanted.organisation) || !NAME_PART.test(wanted.name)) throw missing(wanted);
  if (!hasScope(client, wanted)) throw new LacksScope(scopeOf(wanted));
  const found = await datasets.named(on, wanted);
  if (!found || !isOpen(client, found)) throw missing(wanted);
  return found;
}

/**
 * Finds a version of a dataset, by default the current one.
 * @throws ApiRefusal 404 when there is none, 410 when its rows were deleted
 */
export async function versionOf(
  on: Queryable,
  dataset: Dataset,
  number: number | null,
): Promise<Version> {
  const found = await (number === null
    ? versions.current(on, dataset)
    : versions.find(on, dataset.id, number));
  if (!found) {
    const what = number === null ? 'version yet' : `version ${number}`;
    throw new ApiRefusal(404, 'not_found', `${fullName(dataset)} has no ${what}.`);
  }
  if (found.purged_at !== null) throw gone(dataset, found.number);
  return found;
}

export const gone = (dataset: Dataset, number: number) =>
  new ApiRefusal(
    410,
    'version_gone',
    `Version ${number} of ${fullName(dataset)} was replaced and deleted: start again without version.`,
  );
