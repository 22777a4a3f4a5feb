// Stores the rows and rejected lines of a data file in batches. Each commit also records the last stored line, where a
// killed load continues. While a commit runs, the next rows are parsed.
import type { PoolConnection } from 'mysql2/promise';
import { insertLines, insertTexts, escaped } from '../database/bulk.ts';
import { failpoint } from '../database/failpoints.ts';
import { byPrimaryKey, run, sql, transaction } from '../database/sql.ts';
import { Interrupted } from '../jobs/interrupted.ts';
import type { Work } from '../jobs/task.ts';
import type { Reading, Reject } from './reading/reading.ts';
import type { Batch } from './reading/rows.ts';
import { cellsAsJson } from './reading/values.ts';
import type { Datafile } from './registry.ts';

/**
 * One commit holds about this many rows or characters. A larger commit would block the statements of other programs for
 * too long.
 */
const COMMIT_ROWS = 10_000;
const COMMIT_LENGTH = 5_000_000;
/**
 * The most UTF-16 units of one statement. With three bytes for each, a statement stays below the 4 MB that old MySQL
 * servers accept.
 */
const STATEMENT_LENGTH = 1_000_000;
/** At most this many rejected lines of a file are stored. */
const MOST_REJECTS = 10_000;

/** Thrown when another job has taken over the data file, or a person has meanwhile changed how the file is parsed. */
export class FileTaken extends Interrupted {
  constructor({ file_name: name }: Pick<Datafile, 'file_name'>) {
    super(`${name} is examined or loaded by another job`);
  }
}

/** The rows and rejected lines that one commit stores; `line` is the last line among them. */
type Lot = { rows: number; line: number; texts: Texts; rejects: Reject[] };

export function openStore(
  { here, job }: Pick<Work, 'here' | 'job'>,
  file: Datafile,
  { columns }: Reading,
) {
  const isNew = ({ line }: { line: number }) => line > file.loaded_line;
  let stored = { rows: file.loaded_rows, line: file.loaded_line };
  let lastId = stored.rows;
  let lot = emptyLot();
  let rejected = 0;
  let [beforeLast, last]: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];

  const commit = async (on: PoolConnection, { rows, line, texts, rejects }: Lot) => {
    const found = await run(
      on,
      sql`update ${byPrimaryKey('operations_datafile_registry')}
             set loaded_line = ${line}, loaded_rows = ${stored.rows + rows},
                 updated_timestamp = utc_timestamp(3)
           where id = ${file.id} and state = 'processing' and job = ${job.id}
             and loaded_rows = ${stored.rows} and loaded_line = ${stored.line}`,
    );
    if (found === 0) throw new FileTaken(file);
    await insertTexts(on, sql`insert into data_row (datafile, id, cells) values`, texts.all());
    await insertLines(
      on,
      sql`insert into data_reject (datafile, line, column_name, reason, message, excerpt) values`,
      rejects.map((reject) => [
        file.id,
        reject.line,
        reject.column?.slice(0, 300) ?? null,
        reject.reason,
        reject.text.slice(0, 500),
        reject.excerpt.slice(0, 400),
      ]),
    );
  };

  const store = async (full: Lot) => {
    await failpoint('load batch');
    await transaction(here.sql, (on) => commit(on, full));
    await failpoint('load batch stored');
    stored = { rows: stored.rows + full.rows, line: full.line };
  };

  /**
   * Queues a commit of the collected rows after the commits before it. Waits while two commits are
   * unfinished, so that memory stays limited.
   */
  const flush = async () => {
    await beforeLast;
    if (lot.rows === 0 && lot.rejects.length === 0) return;
    const full = lot;
    lot = emptyLot();
    beforeLast = last;
    last = last.then(() => store(full));
    // The commits are awaited later. Without this handler, an earlier rejection would end the
    // process as unhandled.
    last.catch(() => {});
  };

  return {
    /**
     * Adds a batch, and queues a commit when enough rows are collected. Skips the lines that an
     * earlier attempt of the load has stored.
     */
    add: async (batch: Batch): Promise<void> => {
      for (const row of batch.rows) {
        if (!isNew(row)) continue;
        lastId += 1;
        lot.rows += 1;
        lot.line = Math.max(lot.line, row.line);
        lot.texts.add(`(${file.id},${lastId},'${cellsAsJson(columns, row.cells, writeText)}')`);
      }
      const kept = batch.rejects.slice(0, Math.max(0, MOST_REJECTS - rejected)).filter(isNew);
      rejected += batch.rejects.length;
      for (const reject of kept) lot.line = Math.max(lot.line, reject.line);
      lot.rejects.push(...kept);
      if (lot.rows < COMMIT_ROWS && lot.texts.length() < COMMIT_LENGTH) return;
      await flush();
    },
    /** Commits the remaining rows. Returns how many rows of the file are stored. */
    end: async (): Promise<number> => {
      await flush();
      await last;
      return stored.rows;
    },
    /** Waits until all queued commits have ended, and ignores their errors. */
    settled: () => last.catch(() => {}),
  };
}

/**
 * Writes a text as JSON, escaped for SQL. Most texts contain no character that JSON or SQL escapes; testing for such
 * characters first is faster than escaping every text.
 */
const writeText = (text: string) =>
  SPECIAL.test(text) ? escaped(JSON.stringify(text)) : `"${text}"`;

/**
 * The characters that JSON or SQL escape: quotes, backslashes, control characters, and halves of
 * surrogate pairs.
 */
// oxlint-disable-next-line no-control-regex -- these are the characters that JSON escapes
const SPECIAL = /["'\\\u0000-\u001f\ud800-\udfff]/;

const emptyLot = (): Lot => ({ rows: 0, line: 0, texts: new Texts(), rejects: [] });

/**
 * Collects rows as SQL text, joined into statements. Keeps one text per row, not its cells: the
 * garbage collector would spend as much time on thirty strings per row as the parser spends on
 * reading them.
 */
class Texts {
  private readonly whole: string[] = [];
  private parts: string[] = [];
  private partsLength = 0;
  private wholeLength = 0;

  add(text: string) {
    if (this.partsLength + text.length > STATEMENT_LENGTH) this.join();
    this.parts.push(text);
    this.partsLength += text.length;
  }

  all(): string[] {
    this.join();
    return this.whole;
  }

  length(): number {
    return this.wholeLength + this.partsLength;
  }

  private join() {
    if (this.parts.length === 0) return;
    this.whole.push(this.parts.join(','));
    this.wholeLength += this.partsLength;
    this.parts = [];
    this.partsLength = 0;
  }
}
