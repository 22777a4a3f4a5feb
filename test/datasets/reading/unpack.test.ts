import { expect, test } from 'vitest';
import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { readRows } from '../../../src/datasets/reading/rows.ts';
import { unpack } from '../../../src/datasets/reading/unpack.ts';
import { chunksOf, examined, read } from './read.ts';

const csv = 'id,name\n1,Ann\n2,Bob\n';
const large = `id,name\n${Array.from({ length: 60_000 }, (_one, id) => `${id},name ${id * 7919}\n`).join('')}`;

type Wanted = { files: [name: string, content: string][]; isStream?: boolean; isStored?: boolean };

/**
 * ZIP archives that Python writes, with the sizes before the content or, if written to a stream,
 * after the content.
 */
const zips = zipsOf({
  one: { files: [['a.csv', csv]] },
  streamed: { files: [['a.csv', csv]], isStream: true },
  stored: { files: [['a.csv', csv]], isStored: true },
  macOS: {
    files: [
      ['data/', ''],
      ['data/a.csv', csv],
      ['__MACOSX/data/._a.csv', 'x'],
    ],
  },
  large: { files: [['a.csv', large]] },
  'large, streamed': { files: [['a.csv', large]], isStream: true },
  none: { files: [] },
  two: {
    files: [
      ['a.csv', csv],
      ['b.csv', csv],
    ],
  },
  XLSX: {
    files: [
      ['[Content_Types].xml', '<x/>'],
      ['xl/workbook.xml', '<x/>'],
    ],
  },
  'XLSX of another program': {
    files: [
      ['docProps/app.xml', '<x/>'],
      ['xl/workbook.xml', '<x/>'],
      ['[Content_Types].xml', '<x/>'],
    ],
  },
  ODS: { files: [['mimetype', 'application/vnd.oasis']], isStored: true },
});

function zipsOf(wanted: Record<string, Wanted>): (name: string) => Buffer {
  const script = `
import base64, io, json, sys, zipfile
class Stream(io.BytesIO):
    def seekable(self): return False
    def seek(self, *place): raise io.UnsupportedOperation()
    def tell(self): raise io.UnsupportedOperation()
def written(files, isStream=False, isStored=False):
    target = Stream() if isStream else io.BytesIO()
    kind = zipfile.ZIP_STORED if isStored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(target, 'w', kind) as archive:
        for name, content in files: archive.writestr(name, content)
    return base64.b64encode(target.getvalue()).decode()
print(json.dumps({name: written(**one) for name, one in json.load(sys.stdin).items()}))
`;
  const options = { input: JSON.stringify(wanted), encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
  const made = JSON.parse(execFileSync('python3', ['-c', script], options)) as Record<
    string,
    string
  >;
  return (name) => Buffer.from(made[name] ?? '', 'base64');
}

test('Python writes ZIP archives with the file sizes after the content when it writes to a stream, otherwise before the content', () => {
  const hasSizesBehind = (name: string) => (zips(name).readUInt16LE(6) & 8) !== 0;
  expect(['one', 'stored', 'streamed', 'large, streamed'].map(hasSizesBehind)).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

test.each<[string, Buffer, 'gzip' | 'zip']>([
  ['gzip', gzipSync(csv), 'gzip'],
  [
    'gzip of two members',
    Buffer.concat([gzipSync(csv.slice(0, 9)), gzipSync(csv.slice(9))]),
    'gzip',
  ],
  ['ZIP', zips('one'), 'zip'],
  ['ZIP, written as a stream', zips('streamed'), 'zip'],
  ['ZIP without compression', zips('stored'), 'zip'],
  ['ZIP with folders and files that macOS adds', zips('macOS'), 'zip'],
])(
  'S3-35 a data file in %s is unpacked as a stream, with chunks of any size',
  async (_title, content, compression) => {
    for (const size of [1, 7, 65_536]) {
      const found = await read(content, {}, size);
      expect(found.reading.compression).toBe(compression);
      expect(found.cells).toEqual([
        ['1', 'Ann'],
        ['2', 'Bob'],
      ]);
    }
  },
);

test.each<[string, Buffer]>([
  ['gzip', gzipSync(large)],
  ['ZIP', zips('large')],
  ['ZIP, written as a stream', zips('large, streamed')],
])('S3-35 a data file with 60,000 rows in %s is unpacked completely', async (_title, content) => {
  expect((await examined(content, {}, 5_000)).counts.rows).toBe(60_000);
});

test.each<[string, string, string | Uint8Array]>([
  ['an empty file', 'empty', ''],
  ['a file of blanks and line ends', 'empty', ' \n\t\r\n'],
  ['a file of empty cells', 'empty', ',,\n,,\n'],
  ['an empty file in gzip', 'empty', gzipSync('')],
  ['an archive without a file', 'empty', zips('none')],
  ['an archive with two files', 'many-files', zips('two')],
  ['an XLSX workbook', 'spreadsheet', zips('XLSX')],
  ['an XLSX workbook of another program', 'spreadsheet', zips('XLSX of another program')],
  ['an ODS spreadsheet', 'spreadsheet', zips('ODS')],
  ['an XLS workbook', 'spreadsheet', Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1)],
  ['a PDF document', 'pdf', '%PDF-1.7\n%\xe2\xe3\n'],
  ['a web page', 'html', '\ufeff\n <!DOCTYPE html><html lang="en">'],
  ['a web page in gzip', 'html', gzipSync('<html><body>Please sign in</body></html>')],
  ['a JSON document', 'json', '[\n  {"id": 1}\n]\n'],
  ['a file that was compressed twice', 'archive', gzipSync(gzipSync(csv))],
  ['a tar archive in gzip', 'archive', gzipSync(`${'a.csv'.padEnd(257, '\0')}ustar\0`)],
  ['a truncated gzip file', 'damaged', gzipSync(large).subarray(0, 90_000)],
  ['a gzip file with a wrong checksum', 'damaged', changed(gzipSync(large), -8)],
  ['a truncated ZIP archive', 'damaged', zips('large').subarray(0, 90_000)],
  ['a ZIP archive with a changed byte', 'damaged', changed(zips('stored'), 40)],
  ['an encrypted ZIP archive', 'archive', changed(zips('one'), 6)],
])('the examination refuses %s with the reason %s', async (_title, reason, content) => {
  await expect(examined(content)).rejects.toMatchObject({ status: 422, reason });
});

/** Returns the bytes with one bit flipped. */
function changed(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  const index = at < 0 ? other.length + at : at;
  other[index] = (other[index] ?? 0) ^ 1;
  return other;
}

test('a table is accepted even if it begins with the letters of another file format', async () => {
  const { reading } = await examined('PAR1,Rar!\n1,2\n');
  expect(reading.columns.map(({ name }) => name)).toEqual(['PAR1', 'Rar!']);
});

test('the size limit of data files counts unpacked bytes, so that a small archive cannot fill the disk', async () => {
  const bomb = gzipSync(`a,b\n${'1,2\n'.repeat(1_000_000)}`);
  const content = await unpack(chunksOf(bomb, 65_536), { limitBytes: 1_000_000 });
  await expect(Array.fromAsync(content.content)).rejects.toMatchObject({ reason: 'too-large' });
  const { reading } = await examined(gzipSync('a,b\n1,2\n'));
  const rows = readRows(chunksOf(bomb, 65_536), reading, { limitBytes: 1_000_000 });
  await expect(Array.fromAsync(rows)).rejects.toMatchObject({ reason: 'too-large' });
});

test('when the connection to the storage breaks while a file is unpacked, the error is about the connection, not about a damaged file', async () => {
  async function* breaking() {
    yield gzipSync(large).subarray(0, 90_000);
    await Promise.resolve();
    throw new Error('Connection lost');
  }
  const reading = (await examined(gzipSync(large))).reading;
  await expect(Array.fromAsync(readRows(breaking(), reading))).rejects.toThrow('Connection lost');
});
