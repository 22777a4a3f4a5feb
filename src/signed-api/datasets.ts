// Decides which datasets a client of the signed API may read, without revealing which other datasets exist. A client
// whose key lacks the scope for a dataset gets 403, whether or not the dataset exists. For a dataset that is not marked
// as open to clients, a client with its scope gets 404, as if the dataset did not exist.
import { z } from 'zod';
import { covers, LacksScope } from '../access/scopes.ts';
import { first, fromSqlInstant, select, sql, type Queryable } from '../database/sql.ts';
import { fullName, NAME_PART, type Dataset } from '../datasets/datasets.ts';
import { ApiRefusal } from './refusal.ts';

type Client = { scopes: readonly string[] };
type Named = Pick<Dataset, 'organisation' | 'name'>;

/**
 * The scope of the pipeline’s key. The pipeline (the program that copies dataset versions into the datasets database)
 * may read every dataset, even datasets that are not marked as open to clients.
 */
export const PIPELINE_SCOPE = 'pipeline';
export const scopeOf = (dataset: Named): string => `dataset:${fullName(dataset)}`;

const hasScope = ({ scopes }: Client, dataset: Named) =>
  covers(scopes, PIPELINE_SCOPE) || covers(scopes, scopeOf(dataset));
const isOpen = ({ scopes }: Client, { open_to_clients: open }: Pick<Dataset, 'open_to_clients'>) =>
  open === 1 || covers(scopes, PIPELINE_SCOPE);

export type ReadableDataset = Named &
  Pick<Dataset, 'open_to_clients'> & { version: number; rows: number; updated: string };

/** Lists the datasets that a client may read and that have a current version. */
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

const columnsSchema = z.array(z.object({ name: z.string(), type: z.string() }));

/** A version of a dataset, as a client of the signed API reads it. */
export type ReadVersion = Named & {
  dataset: number;
  number: number;
  columns: z.infer<typeof columnsSchema>;
  row_count: number;
};

type Found = Omit<ReadVersion, 'number' | 'columns'> & {
  open_to_clients: 0 | 1;
  number: number | null;
  columns: string;
  purged_at: string | null;
};

/**
 * Finds a version of a dataset that the client may read; `version: null` stands for the current
 * version.
 * @throws LacksScope; ApiRefusal 404 if the version does not exist, 410 if its rows were deleted
 */
export async function versionFor(
  on: Queryable,
  client: Client,
  wanted: Named & { version: number | null },
): Promise<ReadVersion> {
  if (!NAME_PART.test(wanted.organisation) || !NAME_PART.test(wanted.name)) throw missing(wanted);
  if (!hasScope(client, wanted)) throw new LacksScope(scopeOf(wanted));
  const found = await first<Found>(
    on,
    sql`select dataset.id as dataset, dataset.organisation, dataset.name, dataset.open_to_clients,
               version.number, version.columns, version.row_count, version.purged_at
          from dataset
          left join data_version version
            on version.dataset = dataset.id and version.number = coalesce(${wanted.version}, dataset.current_version)
         where dataset.organisation = ${wanted.organisation} and dataset.name = ${wanted.name}`,
  );
  if (!found || !isOpen(client, found)) throw missing(wanted);
  const { number } = found;
  if (number === null) {
    const what = wanted.version === null ? 'version yet' : `version ${wanted.version}`;
    throw new ApiRefusal(404, 'not_found', `${fullName(wanted)} has no ${what}.`);
  }
  if (found.purged_at !== null) throw gone({ ...wanted, number });
  return { ...found, number, columns: columnsSchema.parse(JSON.parse(found.columns)) };
}

const missing = (dataset: Named) =>
  new ApiRefusal(404, 'not_found', `There is no dataset ${fullName(dataset)} for this key.`);

export const gone = (version: Named & Pick<ReadVersion, 'number'>) =>
  new ApiRefusal(
    410,
    'version_gone',
    `Version ${version.number} of ${fullName(version)} was replaced and deleted: start again without version.`,
  );
