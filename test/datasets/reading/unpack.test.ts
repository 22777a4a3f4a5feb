import { expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { readRows } from '../../../src/datasets/reading/rows.ts';
import { unpack } from '../../../src/datasets/reading/unpack.ts';
import { chunksOf, examined, read } from './read.ts';

const csv = 'id,name\n1,Ann\n2,Bob\n';
const large = `id,name\n${Array.from({ length: 60_000 }, (_one, id) => `${id},name ${id * 7919}\n`).join('')}`;

/** A ZIP archive that Python writes: with sizes before or, as to a stream, behind the content. */
function zip(
  files: [name: string, content: string][],
  options: { isStream?: boolean; isStored?: boolean } = {},
): Buffer {
  const script = `
import io, json, sys, zipfile
class Stream(io.RawIOBase):
    def writable(self): return True
    def seekable(self): return False
    def write(self, data):
        sys.stdout.buffer.write(data)
        return len(data)
given = json.load(sys.stdin)
target = Stream() if given['isStream'] else io.BytesIO()
kind = zipfile.ZIP_STORED if given['isStored'] else zipfile.ZIP_DEFLATED
with zipfile.ZipFile(target, 'w', kind) as archive:
    for name, content in given['files']:
        archive.writestr(name, content)
if not given['isStream']: sys.stdout.buffer.write(target.getvalue())
`;
  const { isStream = false, isStored = false } = options;
  const input = JSON.stringify({ files, isStream, isStored });
  return execFileSync('python3', ['-c', script], { input, maxBuffer: 2 ** 28 });
}

test.each<[string, Buffer, 'gzip' | 'zip']>([
  ['gzip', gzipSync(csv), 'gzip'],
  [
    'gzip of two members',
    Buffer.concat([gzipSync(csv.slice(0, 9)), gzipSync(csv.slice(9))]),
    'gzip',
  ],
  ['ZIP', zip([['a.csv', csv]]), 'zip'],
  ['ZIP, written as a stream', zip([['a.csv', csv]], { isStream: true }), 'zip'],
  ['ZIP that compresses nothing', zip([['a.csv', csv]], { isStored: true }), 'zip'],
  [
    'ZIP with folders and what macOS adds',
    zip([
      ['data/', ''],
      ['data/a.csv', csv],
      ['__MACOSX/data/._a.csv', 'x'],
    ]),
    'zip',
  ],
])('S3-35 unpacks %s as a stream, in chunks of any size', async (_title, content, compression) => {
  for (const size of [1, 7, 65_536]) {
    const found = await read(content, {}, size);
    expect(found.reading.compression).toBe(compression);
    expect(found.cells).toEqual([
      ['1', 'Ann'],
      ['2', 'Bob'],
    ]);
  }
});

test.each<[string, Buffer]>([
  ['gzip', gzipSync(large)],
  ['ZIP', zip([['a.csv', large]])],
  ['ZIP, written as a stream', zip([['a.csv', large]], { isStream: true })],
])('S3-35 unpacks a larger file: %s', async (_title, content) => {
  expect((await examined(content, {}, 5_000)).counts.rows).toBe(60_000);
});

test.each<[string, string, string | Uint8Array]>([
  ['an empty file', 'empty', ''],
  ['a file of blanks and line ends', 'empty', ' \n\t\r\n'],
  ['a file of empty cells', 'empty', ',,\n,,\n'],
  ['an empty file in gzip', 'empty', gzipSync('')],
  ['an archive without a file', 'empty', zip([])],
  [
    'an archive with two files',
    'many-files',
    zip([
      ['a.csv', csv],
      ['b.csv', csv],
    ]),
  ],
  [
    'an XLSX workbook',
    'spreadsheet',
    zip([
      ['[Content_Types].xml', '<x/>'],
      ['xl/workbook.xml', '<x/>'],
    ]),
  ],
  [
    'an ODS spreadsheet',
    'spreadsheet',
    zip([['mimetype', 'application/vnd.oasis']], { isStored: true }),
  ],
  ['an XLS workbook', 'spreadsheet', Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1)],
  ['a PDF document', 'pdf', '%PDF-1.7\n%\xe2\xe3\n'],
  ['a web page', 'html', '\ufeff\n <!DOCTYPE html><html lang="en">'],
  ['a web page in gzip', 'html', gzipSync('<html><body>Please sign in</body></html>')],
  ['a JSON document', 'json', '[\n  {"id": 1}\n]\n'],
  ['a file that was compressed twice', 'archive', gzipSync(gzipSync(csv))],
  ['a tar archive in gzip', 'archive', gzipSync(`${'a.csv'.padEnd(257, '\0')}ustar\0`)],
  ['a cut gzip file', 'damaged', gzipSync(large).subarray(0, 90_000)],
  ['a gzip file with a wrong checksum', 'damaged', changed(gzipSync(large), -8)],
  ['a cut ZIP archive', 'damaged', zip([['a.csv', large]]).subarray(0, 90_000)],
  [
    'a ZIP archive with a changed byte',
    'damaged',
    changed(zip([['a.csv', csv]], { isStored: true }), 40),
  ],
  ['an encrypted ZIP archive', 'archive', changed(zip([['a.csv', csv]]), 6)],
])('says what is wrong with %s: %s', async (_title, reason, content) => {
  await expect(examined(content)).rejects.toMatchObject({ status: 422, reason });
});

/** The bytes with one bit changed. */
function changed(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  const index = at < 0 ? other.length + at : at;
  other[index] = (other[index] ?? 0) ^ 1;
  return other;
}

test('a table may begin with the letters of another format', async () => {
  const { reading } = await examined('PAR1,Rar!\n1,2\n');
  expect(reading.columns.map(({ name }) => name)).toEqual(['PAR1', 'Rar!']);
});

test('unpacked bytes count against the limit, so that a small file cannot fill the disk', async () => {
  const bomb = gzipSync(`a,b\n${'1,2\n'.repeat(1_000_000)}`);
  const content = await unpack(chunksOf(bomb, 65_536), { limitBytes: 1_000_000 });
  await expect(Array.fromAsync(content.content)).rejects.toMatchObject({ reason: 'too-large' });
  const { reading } = await examined(gzipSync('a,b\n1,2\n'));
  const rows = readRows(chunksOf(bomb, 65_536), reading, { limitBytes: 1_000_000 });
  await expect(Array.fromAsync(rows)).rejects.toMatchObject({ reason: 'too-large' });
});

test('a source that breaks off is not called a damaged file', async () => {
  async function* breaking() {
    yield gzipSync(large).subarray(0, 90_000);
    await Promise.resolve();
    throw new Error('Connection lost');
  }
  const reading = (await examined(gzipSync(large))).reading;
  await expect(Array.fromAsync(readRows(breaking(), reading))).rejects.toThrow('Connection lost');
});
