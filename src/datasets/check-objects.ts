// The nightly check of stored data files: each file must exist with its recorded size, and once a month its content
// must match its recorded SHA-256.
import { run, select, sql } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Work } from '../jobs/task.ts';
import { checksumOf } from '../storage/open.ts';

export const CHECK_FILES = 'check-datafiles';

type Stored = { id: number; file_name: string; object: string; size: number; sha256: string };

type FileCheckReport = {
  checked: number;
  hashed: number;
  wrong: { id: number; file: string; result: string }[];
};

/**
 * Checks that every stored data file exists with its recorded size. Hashes the content of a file
 * only if its last hash is older than 30 days or its last check failed, because hashing reads the
 * whole file.
 */
export async function checkDatafiles({ here, report }: Work): Promise<FileCheckReport> {
  const all = await select<Stored & { is_due: number }>(
    here.sql,
    sql`select id, file_name, object, size, sha256,
               coalesce(hashed_at, '2000-01-01') < utc_timestamp(3) - interval 30 day
                 or coalesce(check_result, 'ok') <> 'ok' as is_due
          from operations_datafile_registry order by id`,
  );
  const outcome: FileCheckReport = { checked: 0, hashed: 0, wrong: [] };
  for (const file of all) {
    await report({ done: outcome.checked, total: all.length, doing: 'Checking stored files' });
    const { result, isHashed } = await check(here, file);
    outcome.checked += 1;
    if (isHashed) outcome.hashed += 1;
    if (result !== 'ok') outcome.wrong.push({ id: file.id, file: file.file_name, result });
    await run(
      here.sql,
      sql`update operations_datafile_registry
             set checked_at = utc_timestamp(3), check_result = ${result},
                 hashed_at = if(${isHashed}, utc_timestamp(3), hashed_at)
           where id = ${file.id}`,
    );
  }
  return outcome;
}

async function check({ storage }: App, file: Stored & { is_due: number }) {
  const found = await storage.find(file.object);
  if (found === null) return { result: 'missing', isHashed: false };
  if (found.size !== file.size) return { result: 'changed', isHashed: false };
  if (file.is_due === 0) return { result: 'ok', isHashed: false };
  const isSame = (await checksumOf(storage, file.object)) === file.sha256;
  return { result: isSame ? 'ok' : 'changed', isHashed: true };
}
