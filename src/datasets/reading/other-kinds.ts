// Refuses files that are not delimited text, such as PDF or Excel files, with a message that says what to do instead.
import { Unreadable, type UnreadableReason } from './reading.ts';

const starts: [start: string, reason: UnreadableReason, what: string][] = [
  ['\xd0\xcf\x11\xe0', 'spreadsheet', 'an Excel workbook'],
  ['PK\x03\x04', 'archive', 'an archive in an archive'],
  ['\x1f\x8b', 'archive', 'compressed twice'],
  ['%PDF', 'pdf', 'a PDF document'],
  ['PAR1', 'spreadsheet', 'a Parquet file'],
  ['SQLite format 3', 'spreadsheet', 'an SQLite database'],
  ['7z\xbc\xaf', 'archive', 'a 7z archive'],
  ['Rar!', 'archive', 'a RAR archive'],
  ['BZh', 'archive', 'compressed with bzip2'],
  ['\xfd7zXZ', 'archive', 'compressed with xz'],
  ['\x28\xb5\x2f\xfd', 'archive', 'compressed with Zstandard'],
  ['\xff\xfe\0\0', 'encoding', 'UTF-32'],
  ['\0\0\xfe\xff', 'encoding', 'UTF-32'],
];

const solutions: Partial<Record<UnreadableReason, string>> = {
  archive: 'Unpack it, or pack the CSV file alone as .gz or .zip.',
  encoding: 'Save it as UTF-8.',
};

/**
 * Checks the first bytes of a file.
 * @throws Unreadable if the file is not delimited text
 */
export function refuseOtherKinds(head: Uint8Array, fileName: string) {
  const start = Buffer.from(head.subarray(0, 1024)).toString('latin1');
  const found = starts.find(([bytes]) => start.startsWith(bytes) && !isText(bytes, start));
  if (found) throw refusal(found[1], found[2], fileName);
  const markup = start
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .toLowerCase();
  if (/^<(!doctype html|html|head|body|table|\?xml|!--)/.test(markup)) {
    throw refusal(
      'html',
      markup.startsWith('<?xml') ? 'an XML document' : 'a web page (HTML)',
      fileName,
    );
  }
  if (/^(\{\s*"|\[\s*[{[])/.test(markup)) throw refusal('json', 'a JSON document', fileName);
  if (start.slice(257, 262) === 'ustar') throw refusal('archive', 'a tar archive', fileName);
}

/**
 * Whether a file that begins like another format is a text anyway: the first cell of a table may
 * begin with the same letters, such as PAR1.
 */
const isText = (bytes: string, start: string) =>
  /^[ -~]+$/.test(bytes) &&
  bytes !== '%PDF' &&
  !Array.from(start).some((one) => one < ' ' && !'\t\r\n'.includes(one));

export function refusal(reason: UnreadableReason, what: string, fileName = 'The file'): Unreadable {
  return new Unreadable(
    reason,
    `${fileName} is ${what}. ${solutions[reason] ?? 'Save it as CSV.'}`,
  );
}
