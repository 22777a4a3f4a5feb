// Writes a data file like those that organisations publish: codes, names, numbers, dates, times and quoted texts, about
// 890 bytes per row.
import { open } from 'node:fs/promises';

const cities = [
  'Zürich',
  'Kraków',
  'Lyon',
  'Santiago de Compostela',
  'Oslo',
  'Århus',
  'Gent',
  'Wien',
];
const words =
  'the quick survey of public buildings found that most roofs were in good condition'.split(' ');

const header = [
  'id,code,name,city,street,postcode,country,opened,closed,updated,is_open,visits,revenue,share,latitude,longitude',
  'energy,water,remark,owner,phone,email,website,reference,category,grade,checked_at,checked_by,note,checksum',
].join(',');

/** Writes a data file with `rows` rows, and returns the size of the file in bytes. */
export async function writeDataFile(path: string, rows: number): Promise<number> {
  const file = await open(path, 'w');
  let bytes = 0;
  let part = `${header}\n`;
  for (let id = 1; id <= rows; id += 1) {
    part += `${rowOf(id)}\n`;
    if (part.length < 1_000_000 && id < rows) continue;
    bytes += (await file.write(part)).bytesWritten;
    part = '';
  }
  await file.close();
  return bytes;
}

function rowOf(id: number): string {
  const day = new Date(Date.UTC(2000, 0, 1 + (id % 9_000))).toISOString().slice(0, 10);
  const time = new Date(Date.UTC(2020, 0, 1) + id * 61_000).toISOString().slice(0, 19);
  const remark = sentence(id, 18);
  return [
    id,
    `B${String(id).padStart(8, '0')}`,
    `Building ${id} of the municipal estate`,
    cities[id % cities.length],
    `"${sentence(id, 3)}, ${id % 200}"`,
    String(id % 100_000).padStart(5, '0'),
    id % 3 === 0 ? 'Switzerland' : 'Norway',
    day,
    id % 5 === 0 ? day : '',
    `${time}Z`,
    id % 2 === 0 ? 'true' : 'false',
    (id * 7919) % 100_003,
    (((id * 104_729) % 10_000_019) / 100).toFixed(2),
    ((id % 1_000) / 1_000).toFixed(4),
    (45 + (id % 10_000) / 1_000).toFixed(6),
    (5 + (id % 9_973) / 1_000).toFixed(6),
    (id * 31) % 500_009,
    ((id % 80_000) / 10).toFixed(1),
    `"${remark}, ""as built"", ${sentence(id + 5, 9)}"`,
    sentence(id + 2, 5),
    `+41 44 ${id % 1_000} ${id % 100}`,
    `keeper.${id}@buildings.example.org`,
    `https://buildings.example.org/estate/${id}`,
    `${id % 97}/${id % 89}-${id % 83}`,
    words[id % words.length],
    'ABCDE'[id % 5],
    `${time}+02:00`,
    sentence(id + 9, 2),
    sentence(id + 1, 46),
    (id * 2_654_435_761).toString(16).padStart(64, '0').slice(-64),
  ].join(',');
}

const sentence = (from: number, length: number) =>
  Array.from({ length }, (_one, index) => words[(from + index * index) % words.length]).join(' ');
