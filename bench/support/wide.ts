// A table of 30 columns with all types that a backup may contain, and with values that programs often change by mistake
// when they copy rows.
import type { Connection } from 'mysql2/promise';

export const WIDE = 'wide';

type Column = { name: string; type: string; value: string; isNumber?: true };

const text = `concat('Tell us when you would like to come, "', seq, '" of you\\nor more; it''s 18 % \\\\ GST ₹499 🪔. ',
  'कृपया अपना पता और समय बताइए। Children under six travel free of charge.')`;

/** The columns, each with an SQL expression for its value; in it `seq` is the number of the row. */
const columns: Column[] = [
  { name: 'tiny', type: 'TINYINT', value: 'seq % 200 - 100', isNumber: true },
  { name: 'small', type: 'SMALLINT', value: 'seq % 60000 - 30000', isNumber: true },
  { name: 'medium', type: 'MEDIUMINT', value: 'seq % 8000000', isNumber: true },
  { name: 'whole', type: 'INT', value: '-seq', isNumber: true },
  { name: 'big', type: 'BIGINT', value: '-9223372036854775807 + seq', isNumber: true },
  { name: 'huge', type: 'BIGINT UNSIGNED', value: '18446744073709551615 - seq', isNumber: true },
  { name: 'price', type: 'DECIMAL(20,6)', value: 'seq * 1.000003', isNumber: true },
  { name: 'exact', type: 'DECIMAL(40,20)', value: '-seq / 7', isNumber: true },
  { name: 'ratio', type: 'FLOAT', value: 'rand(seq) * 1000', isNumber: true },
  { name: 'share', type: 'DOUBLE', value: 'rand(seq + 7) / 1e9', isNumber: true },
  { name: 'active', type: 'TINYINT(1)', value: 'seq % 2', isNumber: true },
  { name: 'born', type: 'YEAR', value: '1950 + seq % 150', isNumber: true },
  { name: 'day', type: 'DATE', value: `'2025-01-01' + interval seq % 400 day` },
  { name: 'hour', type: 'TIME(3)', value: `sec_to_time(seq % 86400 + 0.125)` },
  { name: 'start', type: 'DATETIME(3)', value: `'2025-01-01' + interval seq second` },
  { name: 'stamp', type: 'DATETIME(6)', value: `'2025-01-01' + interval seq microsecond` },
  { name: 'code', type: 'CHAR(12)', value: `concat('C', seq)` },
  { name: 'kind', type: `ENUM('a', 'b', 'it''s')`, value: 'seq % 3 + 1' },
  { name: 'tags', type: `SET('x', 'y', 'z')`, value: 'seq % 8' },
  {
    name: 'title',
    type: 'VARCHAR(200)',
    value: `concat('Book a table in Köln 東京 👨‍👩‍👧 ', seq, ' ')`,
  },
  { name: 'message', type: 'TEXT', value: text },
  { name: 'note', type: 'TEXT', value: `if(seq % 3 = 0, null, ${text})` },
  { name: 'details', type: 'JSON', value: `concat('{"a": ', seq, ', "a": "\\\\n ₹"}')` },
  { name: 'digest', type: 'BINARY(32)', value: 'unhex(sha2(seq, 256))' },
  { name: 'payload', type: 'VARBINARY(64)', value: 'unhex(sha2(concat(seq, 1), 512))' },
  { name: 'content', type: 'BLOB', value: `concat(char(0, 10, 13, 26, 34, 39, 92), seq)` },
  {
    name: 'link',
    type: 'VARCHAR(300)',
    value: `concat('https://example.com/', seq, '?a=b&c=%20')`,
  },
  { name: 'empty', type: 'VARCHAR(10)', value: `if(seq % 2, '', null)` },
  { name: 'modified_at', type: 'DATETIME(3)', value: `'2026-01-01' + interval seq second` },
];

export async function makeWide(ask: Connection, database: string) {
  const lines = columns.map(({ name, type }) => `\`${name}\` ${type} NULL`);
  await ask.query(`CREATE DATABASE IF NOT EXISTS \`${database}\` COLLATE utf8mb4_bin`);
  await ask.query(`DROP TABLE IF EXISTS \`${database}\`.${WIDE}`);
  await ask.query(
    `CREATE TABLE \`${database}\`.${WIDE} (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, ${lines.join(', ')})`,
  );
}

export const fillWide = (ask: Connection, database: string, rows: number) =>
  ask.query(
    `INSERT INTO \`${database}\`.${WIDE}
     SELECT seq, ${columns.map(({ value }) => value).join(', ')}
       FROM (SELECT CAST(seq AS SIGNED) AS seq FROM seq_1_to_${rows}) AS numbers`,
  );

/** Counts the rows that differ between two databases, byte for byte, or that are missing in the second database. */
export async function differingRows(ask: Connection, one: string, other: string): Promise<number> {
  const cells = columns.map(({ name, isNumber }) =>
    isNumber ? `a.\`${name}\` <=> b.\`${name}\`` : `BINARY a.\`${name}\` <=> BINARY b.\`${name}\``,
  );
  const [lines] = await ask.query(
    `SELECT (SELECT COUNT(*) FROM \`${one}\`.${WIDE}) -
            (SELECT COUNT(*) FROM \`${one}\`.${WIDE} a JOIN \`${other}\`.${WIDE} b USING (id)
              WHERE ${cells.join(' AND ')}) AS count`,
  );
  return Number((lines as { count: number }[])[0]?.count);
}
