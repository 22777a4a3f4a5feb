// Tests small data files that parsers often damage. Each file is written here as text; real files of publishers are in
// ../files.
import { expect, test } from 'vitest';
import { choicesSchema, type Choices } from '../../../src/datasets/reading/reading.ts';
import { columnsOf, read, type Content } from './read.ts';

type Hostile = {
  content: Content;
  choices?: Choices;
  /** The expected encoding, delimiter and header line, if they are not utf-8, comma and 1. */
  encoding?: string;
  delimiter?: string;
  header?: number | null;
  columns: string[];
  rows: (string | null)[][];
  rejects?: [line: number, reason: string][];
  empty?: number;
  asks?: string[];
};

const bytes = (...codes: number[]) => Uint8Array.from(codes);
const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();

const files: Record<string, Hostile> = {
  'decimal commas between semicolons': {
    content: 'art;price;pieces\nA;1.234,50;3\nB;0,99;12\n',
    delimiter: ';',
    columns: ['art text', 'price numeric 1.234,5', 'pieces integer'],
    rows: [
      ['A', '1234.50', '3'],
      ['B', '0.99', '12'],
    ],
  },
  'points as thousands separators': {
    content: 'city;people\nBerlin;3.644.826\nBonn;327.258\nRust;0\n',
    delimiter: ';',
    columns: ['city text', 'people numeric 1.234,5'],
    rows: [
      ['Berlin', '3644826'],
      ['Bonn', '327258'],
      ['Rust', '0'],
    ],
  },
  'commas that could separate thousands or decimals': {
    content: 'city;length\nBerlin;1,234\nBonn;5,678\n',
    delimiter: ';',
    columns: ['city text', 'length text'],
    rows: [
      ['Berlin', '1,234'],
      ['Bonn', '5,678'],
    ],
    asks: ['numbers length 1,234.5 1.234,5'],
  },
  'quoted numbers with thousands separators between commas': {
    content: 'city,people\nBerlin,"3,644"\nBonn,"327"\n',
    columns: ['city text', 'people numeric 1,234.5'],
    rows: [
      ['Berlin', '3644'],
      ['Bonn', '327'],
    ],
  },
  'tabs as delimiter and a tab in a quoted header': {
    content: '"name\tfull"\tage\nAnn\t3\n\tBob\n',
    delimiter: '\t',
    columns: ['name\tfull text', 'age text'],
    rows: [
      ['Ann', '3'],
      [null, 'Bob'],
    ],
  },
  'the delimiter in a quoted header': {
    content: '"town, region",n\nOslo,1\n',
    columns: ['town, region text', 'n integer'],
    rows: [['Oslo', '1']],
  },
  'the line with which Excel names the delimiter': {
    content: '\ufeffsep=;\r\na;b\r\n1;2,5\r\n',
    delimiter: ';',
    header: 2,
    columns: ['a integer', 'b numeric 1.234,5'],
    rows: [['1', '2.5']],
  },
  'one column of sentences with commas': {
    content: 'remark\nfine\nfine, too\nbad; sad\n',
    delimiter: '\t',
    columns: ['remark text'],
    rows: [['fine'], ['fine, too'], ['bad; sad']],
  },
  'one column of numbers without a header': {
    content: '5\n6\n\n7',
    header: null,
    columns: ['column_1 integer'],
    rows: [['5'], ['6'], ['7']],
    empty: 1,
  },
  'a header and no rows': { content: 'id,name', columns: ['id text', 'name text'], rows: [] },
  'the header repeated among the rows': {
    content: 'id,n\n1,2\nid,n\n3,4\n',
    columns: ['id text', 'n text'],
    rows: [
      ['1', '2'],
      ['id', 'n'],
      ['3', '4'],
    ],
  },
  'CR, LF and CRLF as line ends': {
    content: 'a,b\r1,2\n3,4\r\n5,6\n\r7,8',
    columns: ['a integer', 'b integer'],
    rows: [
      ['1', '2'],
      ['3', '4'],
      ['5', '6'],
      ['7', '8'],
    ],
    empty: 1,
  },
  'a delimiter at the end of the header only': {
    content: 'a,b,c,\n1,2,x\n3,4,y\n',
    columns: ['a integer', 'b integer', 'c text'],
    rows: [
      ['1', '2', 'x'],
      ['3', '4', 'y'],
    ],
  },
  'a delimiter at the end of the rows only': {
    content: 'a,b,c\n1,2,x,\n3,4,y,\n',
    columns: ['a integer', 'b integer', 'c text'],
    rows: [
      ['1', '2', 'x'],
      ['3', '4', 'y'],
    ],
  },
  'an empty first column': {
    content: ',a,b\n,1,2\n,3,4\n',
    columns: ['a integer', 'b integer'],
    rows: [
      ['1', '2'],
      ['3', '4'],
    ],
  },
  'an empty header above a column with one filled cell': {
    content: 'a,,b\n1,,2\n3,x,4\n',
    columns: ['a integer', 'column_2 text', 'b integer'],
    rows: [
      ['1', null, '2'],
      ['3', 'x', '4'],
    ],
  },
  'a title, an empty line and a note above the header': {
    content: 'Visits of 2024\n\nCounted by hand, with errors\nid,name,n\n1,Ann,5\n2,Bob,6\n',
    header: 4,
    columns: ['id integer', 'name text', 'n integer'],
    rows: [
      ['1', 'Ann', '5'],
      ['2', 'Bob', '6'],
    ],
  },
  'an unclosed quote in the title': {
    content: '"Visits of 2024\nid,name,n\n1,Ann,5\n2,Bob,6\n',
    header: 2,
    columns: ['id integer', 'name text', 'n integer'],
    rows: [
      ['1', 'Ann', '5'],
      ['2', 'Bob', '6'],
    ],
  },
  'a source note below the rows': {
    content: 'id,name,n\n1,Ann,5\n2,Bob,6\nSource: the office\n',
    columns: ['id integer', 'name text', 'n integer'],
    rows: [
      ['1', 'Ann', '5'],
      ['2', 'Bob', '6'],
    ],
    rejects: [[4, 'cells']],
  },
  'a backslash before a quote': {
    content: 'a,b\n"x\\",1\n"y\\"z",2\n',
    columns: ['a text', 'b integer'],
    rows: [['x\\', '1']],
    rejects: [[3, 'quotes']],
  },
  'an unclosed quote on the last line': {
    content: 'a,b\n1,2\n"x,3\n4,5',
    columns: ['a integer', 'b integer'],
    rows: [
      ['1', '2'],
      ['4', '5'],
    ],
    rejects: [[3, 'quotes']],
  },
  'quotes at unusual positions': {
    content: 'a,b\n5" pipe,1\n"6"" pipe" ,2\n"",3\n" ",4\n',
    columns: ['a text', 'b integer'],
    rows: [
      ['5" pipe', '1'],
      ['6" pipe', '2'],
      [null, '3'],
      [' ', '4'],
    ],
  },
  'CR and LF inside quoted cells': {
    content: 'a,b\r\n"x\ry",1\r\n"z\n\n",2\r\n',
    columns: ['a text', 'b integer'],
    rows: [
      ['x\ry', '1'],
      ['z\n\n', '2'],
    ],
  },
  'line separators and no-break spaces of Unicode': {
    content: 'a,b\nx\u2028y,\u00a01\u00a0\n"\u00a0z",2\n',
    columns: ['a text', 'b integer'],
    rows: [
      ['x\u2028y', '1'],
      ['\u00a0z', '2'],
    ],
  },
  'numbers with blanks, percent signs and currencies': {
    content: 'a;b;c\n1 234;5%;$3.20\n12\u00a0345;7%;€1\n',
    delimiter: ';',
    columns: ['a text', 'b text', 'c text'],
    rows: [
      ['1 234', '5%', '$3.20'],
      ['12\u00a0345', '7%', '€1'],
    ],
  },
  'codes that look like numbers': {
    content: 'a,b,c,d,e\n1E5,+44,007,0x1F,1.0.1\n2e10,+31,010,0b1,2.0.0\n',
    columns: ['a text', 'b text', 'c text', 'd text', 'e text'],
    rows: [
      ['1E5', '+44', '007', '0x1F', '1.0.1'],
      ['2e10', '+31', '010', '0b1', '2.0.0'],
    ],
  },
  'years, times of day and incomplete dates': {
    content: 'a,b,c\n2001,10:30,2024-01\n2002,11:00,2024-02\n',
    columns: ['a integer', 'b text', 'c text'],
    rows: [
      ['2001', '10:30', '2024-01'],
      ['2002', '11:00', '2024-02'],
    ],
  },
  'timestamps with and without a zone offset': {
    content:
      'a,b,c\n2024-01-01T10:00:00Z,2024-01-01 10:00,2024-01-01T10:00:00Z\n' +
      '2024-01-01T10:00:00.5+02:00,2024-01-01 11:00:30,2024-01-01T10:00:00\n',
    columns: ['a timestamp UTC', 'b timestamp local', 'c text'],
    rows: [
      ['2024-01-01T10:00:00Z', '2024-01-01T10:00:00', '2024-01-01T10:00:00Z'],
      ['2024-01-01T08:00:00.5Z', '2024-01-01T11:00:30', '2024-01-01T10:00:00'],
    ],
  },
  'dates that do not exist': {
    content: 'a,b\n2023-02-29,31/04/2021\n2023-03-01,01/05/2021\n',
    columns: ['a text', 'b text'],
    rows: [
      ['2023-02-29', '31/04/2021'],
      ['2023-03-01', '01/05/2021'],
    ],
  },
  'day first in one column, month first in another': {
    content: 'a,b,c\n13/02/2020,02/13/2020,1.2.2020\n03/04/2020,03/04/2020,3.4.2020\n',
    columns: ['a date d/m/y', 'b date m/d/y', 'c text'],
    rows: [
      ['2020-02-13', '2020-02-13', '1.2.2020'],
      ['2020-04-03', '2020-03-04', '3.4.2020'],
    ],
    asks: ['dates c d/m/y m/d/y'],
  },
  'null words alone and among values': {
    content: 'a,b,c,d\nN/A,-,null,NULL\nn/a,3,true,x\n',
    columns: ['a text', 'b integer', 'c boolean', 'd text'],
    rows: [
      ['N/A', null, null, 'NULL'],
      ['n/a', '3', 'true', 'x'],
    ],
  },
  'headers such as __proto__ that are special in JavaScript': {
    content: 'constructor,__proto__,toString\n1,2,3\n',
    choices: choicesSchema.parse({ types: { toString: { type: 'text', format: null } } }),
    columns: ['constructor integer', '__proto__ integer', 'toString text'],
    rows: [['1', '2', '3']],
  },
  'a repeated header whose numbered name is taken': {
    content: 'id,id,id_2,ID\n1,2,3,4\n',
    columns: ['id integer', 'id_3 integer', 'id_2 integer', 'ID integer'],
    rows: [['1', '2', '3', '4']],
  },
  'big-endian UTF-16 without a byte order mark': {
    content: utf16be('naam,stad\nJán,Žilina\n'),
    encoding: 'utf-16be',
    columns: ['naam text', 'stad text'],
    rows: [['Ján', 'Žilina']],
  },
  'Chinese in UTF-16 without a byte order mark': {
    content: Buffer.from('名称,城市\n张三,北京\n李四,上海\n', 'utf16le'),
    encoding: 'utf-16le',
    columns: ['名称 text', '城市 text'],
    rows: [
      ['张三', '北京'],
      ['李四', '上海'],
    ],
  },
  'NUL characters that resemble UTF-16': {
    content: 'a,bc,d\nx,1,2\n\0,2,33\n\0,2,33\n\0,2,33\n',
    columns: ['a text', 'bc integer', 'd integer'],
    rows: [['x', '1', '2']],
    rejects: [
      [3, 'nul'],
      [4, 'nul'],
      [5, 'nul'],
    ],
  },
  'windows-1250 as chosen encoding': {
    content: Buffer.from('m\xecsto;n\nPlze\xf2;1\n', 'latin1'),
    choices: { encoding: 'windows-1250' },
    encoding: 'windows-1250',
    delimiter: ';',
    columns: ['město text', 'n integer'],
    rows: [['Plzeň', '1']],
  },
  'windows-1251 as chosen encoding': {
    content: Buffer.concat([
      bytes(0xd0, 0xe5, 0xea, 0xe0),
      Buffer.from(',n\n'),
      bytes(0xce, 0xe1, 0xfc),
      Buffer.from(',1\n'),
    ]),
    choices: { encoding: 'CP1251' },
    encoding: 'windows-1251',
    columns: ['Река text', 'n integer'],
    rows: [['Обь', '1']],
  },
  'Shift_JIS characters whose second byte is a backslash': {
    content: bytes(0x96, 0xbc, 0x2c, 0x61, 0x0a, 0x83, 0x5c, 0x2c, 0x31, 0x0a),
    choices: { encoding: 'Shift_JIS' },
    encoding: 'shift_jis',
    columns: ['名 text', 'a integer'],
    rows: [['ソ', '1']],
  },
  'a GB18030 character of four bytes': {
    content: bytes(0xd6, 0xd0, 0x2c, 0x61, 0x0a, 0x81, 0x30, 0x81, 0x30, 0x2c, 0x31, 0x0a),
    choices: { encoding: 'gb18030' },
    encoding: 'gb18030',
    columns: ['中 text', 'a integer'],
    rows: [['\u0080', '1']],
  },
  '1,000 columns': {
    content: [0, 1]
      .map((row) =>
        Array.from({ length: 1_000 }, (_one, at) => (row === 0 ? `c${at}` : at)).join(','),
      )
      .join('\n'),
    columns: Array.from({ length: 1_000 }, (_one, at) => `c${at} integer`),
    rows: [Array.from({ length: 1_000 }, (_one, at) => String(at))],
  },
  'a very long last line without a line end': {
    content: `a,b\n1,2\n3,${'x'.repeat(1_500_000)}`,
    columns: ['a integer', 'b integer'],
    rows: [['1', '2']],
    rejects: [[3, 'too-long']],
  },
};

test.each(Object.entries(files))(
  'S3-35 a load reads a file with %s without changing a cell or losing a line',
  async (_title, file) => {
    const found = await read(file.content, file.choices);
    const { reading, asks } = found;
    expect({
      encoding: reading.encoding,
      delimiter: reading.delimiter,
      header: reading.headerLine,
      columns: columnsOf(found),
      rows: found.cells,
      rejects: found.rejects.map(({ line, reason }) => [line, reason]),
      empty: found.counts.empty,
      asks: asks.map(({ code, column, options }) => [code, column, ...options].join(' ')),
    }).toEqual({
      encoding: file.encoding ?? 'utf-8',
      delimiter: file.delimiter ?? ',',
      header: file.header === undefined ? 1 : file.header,
      columns: file.columns,
      rows: file.rows,
      rejects: file.rejects ?? [],
      empty: file.empty ?? 0,
      asks: file.asks ?? [],
    });
    expect(found.loaded).toEqual(found.counts);
  },
);
