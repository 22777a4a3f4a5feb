// Reads data files for pages, with the names of their dataset and data source, and with the dataset versions that
// contain them.
import { select, sql, type Queryable } from '../database/sql.ts';
import * as registry from './registry.ts';
import type { Datafile, DatafileFilter, ListedDatafile } from './registry.ts';

type FileInList = ListedDatafile & {
  dataset_name: string;
  source_name: string | null;
  /** How many versions of the dataset contain the file. */
  versions: number;
};

/** Reads the data files for one page of their list, each with the names of its dataset and data source. */
export async function listedFiles(on: Queryable, filter: DatafileFilter): Promise<FileInList[]> {
  const files = await registry.list(on, filter);
  const facts = await select<{
    id: number;
    dataset_name: string;
    source_name: string | null;
    versions: number;
  }>(
    on,
    sql`select file.id, concat(dataset.organisation, '/', dataset.name) as dataset_name,
               source.name as source_name,
               (select count(*) from data_version_file used where used.datafile = file.id) as versions
          from operations_datafile_registry file
          join dataset on dataset.id = file.dataset
          left join source on source.id = file.source
         where file.id in (${files.map(({ id }) => id)})`,
  );
  const byId = new Map(facts.map((fact) => [fact.id, fact]));
  return files.flatMap((file) => {
    const fact = byId.get(file.id);
    return fact ? [{ ...file, ...fact }] : [];
  });
}

type DatafileUse = {
  source: { id: number; name: string } | null;
  versions: { version: number; is_current: number; purged_at: string | null }[];
  /**
   * Other entries of the same file in the table of data files. Such entries exist if the file was fetched again from
   * its data source, or loaded again.
   */
  others: { id: number; fetch_number: number; state: string; created_timestamp: string }[];
};

/**
 * Reads the data source of a data file, the dataset versions that contain the file, and the other entries of the same
 * file in the table of data files.
 */
export async function datafileUse(on: Queryable, file: Datafile): Promise<DatafileUse> {
  const [source] = await select<{ id: number; name: string }>(
    on,
    sql`select id, name from source where id = ${file.source}`,
  );
  const versions = await select<DatafileUse['versions'][number]>(
    on,
    sql`select used.version, used.version = dataset.current_version as is_current, version.purged_at
          from data_version_file used
          join dataset on dataset.id = used.dataset
          join data_version version on version.dataset = used.dataset and version.number = used.version
         where used.datafile = ${file.id} order by used.version desc limit 50`,
  );
  const others = await select<DatafileUse['others'][number]>(
    on,
    sql`select id, fetch_number, state, created_timestamp from operations_datafile_registry
         where dataset = ${file.dataset} and file_name = ${file.file_name} and source <=> ${file.source}
           and id <> ${file.id}
         order by id desc limit 20`,
  );
  return { source: source ?? null, versions, others };
}
