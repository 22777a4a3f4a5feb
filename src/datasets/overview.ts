// Reads the list of datasets. Each has the number of rows and the age of its current version, the origin of its newest
// file, and its last pipeline run, which copies a version into the datasets database.
import { select, sql, type Queryable } from '../database/sql.ts';
import { looks } from '../pipeline/looks.ts';
import type { Run } from '../pipeline/runs.ts';
import { fullName, type Dataset } from './datasets.ts';

type Line = Dataset & {
  row_count: number | null;
  updated_at: string | null;
  file_name: string | null;
  source_name: string | null;
  person: string | null;
  run: number | null;
  run_state: Run['state'] | null;
};

/**
 * A dataset of the list. `origin`: the data source that its newest file was fetched from, or the person who loaded that
 * file.
 */
type ListedDataset = Line & {
  fullName: string;
  origin: string;
  runLook: { icon: string; text: string } | null;
};

export async function overview(on: Queryable): Promise<ListedDataset[]> {
  const lines = await select<Line>(
    on,
    sql`select dataset.*, version.row_count, version.created_at as updated_at, version.person,
               file.file_name, source.name as source_name, pipeline_run.number as run,
               pipeline_run.state as run_state
          from dataset
          left join data_version version
            on version.dataset = dataset.id and version.number = dataset.current_version
          left join data_version_file used
            on used.dataset = dataset.id and used.version = dataset.current_version
               and used.position = (select max(other.position) from data_version_file other
                                     where other.dataset = dataset.id
                                       and other.version = dataset.current_version)
          left join operations_datafile_registry file on file.id = used.datafile
          left join source on source.id = file.source
          left join pipeline_run
            on pipeline_run.number = (select max(run.number) from pipeline_run run
                                       where run.dataset = dataset.id)
         order by dataset.organisation, dataset.name`,
  );
  return lines.map((line) => ({
    ...line,
    fullName: fullName(line),
    runLook: line.run_state && looks[line.run_state],
    origin: line.source_name ? `Source ${line.source_name}` : (line.person ?? ''),
  }));
}
