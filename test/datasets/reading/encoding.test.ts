import { expect, test } from 'vitest';
import { proposeEncoding } from '../../../src/datasets/reading/encoding.ts';
import { examined, read } from './read.ts';

const russian =
  'Название,Город\nБольшой театр,Москва\nЭрмитаж,Санкт-Петербург\nРека Волга,Казань\n';

/**
 * Encodes a text in a single-byte encoding. Node can only decode such encodings, so this function decodes each of the
 * 256 bytes and inverts the result.
 */
function encoded(text: string, encoding: string): Uint8Array {
  const decoder = new TextDecoder(encoding);
  const bytes = new Map(
    Array.from({ length: 256 }, (_one, byte) => [decoder.decode(Uint8Array.of(byte)), byte]),
  );
  return Uint8Array.from(text, (character) => bytes.get(character) ?? 63);
}

test.each(['windows-1251', 'koi8-r'])(
  'the examination proposes the encoding %s if chardet is more confident of it than of windows-1252, and asks a person (S3-35)',
  async (encoding) => {
    const { reading, asks } = await examined(encoded(russian.repeat(20), encoding));
    expect(reading.encoding).toBe(encoding);
    expect(asks).toMatchObject([
      { code: 'encoding', column: null, examples: [{ line: 2 }, { line: 3 }, { line: 4 }] },
    ]);
    expect(asks[0]?.options[0]).toBe(encoding);
  },
);

test('the examination proposes windows-1252 unless chardet rates another encoding more than 10 points higher (S3-35)', async () => {
  const { reading, asks } = await examined(Buffer.from('caf\xe9,\x80\n1,2\n', 'latin1'));
  expect(reading).toMatchObject({
    encoding: 'windows-1252',
    columns: [{ name: 'café' }, { name: '€' }],
  });
  expect(asks.map(({ code }) => code)).toEqual(['encoding']);
  expect(proposeEncoding(Uint8Array.of(0xe9))).toBe('windows-1252');
});

test.each<[string, Uint8Array]>([
  ['utf-8', Buffer.from('\ufeffid,name\n1,Zürich\n')],
  ['utf-16le', Buffer.from('\ufeffid,name\n1,Zürich\n', 'utf16le')],
  ['utf-16be', Buffer.from('\ufeffid,name\n1,Zürich\n', 'utf16le').swap16()],
  ['utf-16le', Buffer.from('id,name\n1,Zürich\n', 'utf16le')],
])(
  'the examination detects %s by its byte order mark or zero bytes, without a question (S3-35)',
  async (encoding, content) => {
    for (const size of [1, 3, 65_536]) {
      const found = await read(content, {}, size);
      expect(found.reading.encoding).toBe(encoding);
      expect(found.reading.columns.map(({ name }) => name)).toEqual(['id', 'name']);
      expect(found.cells).toEqual([['1', 'Zürich']]);
      expect(found.asks).toEqual([]);
    }
  },
);

test('the examination asks for the encoding if a single byte at the end of a large file is not UTF-8 (S3-35)', async () => {
  const content = Buffer.concat([
    Buffer.from(`a,b\n${'1,ü\n'.repeat(50_000)}2,`),
    Uint8Array.of(0xff),
  ]);
  const { asks, reading } = await examined(content);
  expect(reading.encoding).toBe('windows-1252');
  expect(asks).toMatchObject([{ code: 'encoding', examples: [{ line: 2, text: 'Ã¼' }, {}, {}] }]);
});

test.each<[string, Uint8Array, string | undefined]>([
  ['bytes that are invalid in the chosen encoding', Uint8Array.of(0x61, 0xff, 0x0a), 'utf-8'],
  ['a chosen encoding that does not exist', Uint8Array.of(0x61), 'klingon'],
  [
    'an incomplete UTF-16 character at the end',
    Uint8Array.of(0xff, 0xfe, 0x61, 0x00, 0x62),
    undefined,
  ],
])('the examination refuses a data file with %s (S3-35)', async (_title, content, encoding) => {
  const choices = encoding === undefined ? {} : { encoding };
  await expect(examined(content, choices)).rejects.toMatchObject({
    status: 422,
    reason: 'encoding',
  });
});
