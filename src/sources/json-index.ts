// The kind `json-index` of data sources: reads a JSON list of objects, each with the URL of a file and perhaps its
// name, size and ETag.
import { z } from 'zod';
import { cleanLine } from '../typed-text.ts';
import { FetchFailure } from './failure.ts';
import { plainEtag } from './answer.ts';
import { kind, type ListedFile } from './kind.ts';
import { nameAt } from './names.ts';

const field = (fallback: string) => z.string().max(200).transform(cleanLine).default(fallback);

const options = z.object({
  path: field(''),
  url: field('url').refine((name) => name !== '', 'Enter the name of the field with the address'),
  name: field('name'),
  size: field('size'),
  etag: field('etag'),
});
type Options = z.infer<typeof options>;

export const jsonIndex = kind<Options>({
  label: 'JSON index',
  urlHint: 'Address of the list: https://statistics.example/files.json',
  options,
  fields: [
    {
      name: 'path',
      label: 'Path to the list',
      hint: 'Names with dots between them: result.files. Empty when the document is the list',
      initial: '',
    },
    {
      name: 'url',
      label: 'Field with the address',
      hint: 'Relative addresses are fine',
      initial: 'url',
    },
    {
      name: 'name',
      label: 'Field with the name',
      hint: 'Where it is missing, the name is the end of the address',
      initial: 'name',
    },
    {
      name: 'size',
      label: 'Field with the size in bytes',
      hint: 'Empty when there is none',
      initial: 'size',
    },
    {
      name: 'etag',
      label: 'Field with the ETag or digest',
      hint: 'Empty when there is none',
      initial: 'etag',
    },
  ],
  async *list({ url, options: names }, http) {
    const found = at(await http.json(url), names.path);
    if (!Array.isArray(found)) {
      const where = names.path === '' ? 'The index' : `“${names.path}” in the index`;
      throw new FetchFailure('index', `${where} is no list. Check the path to the list.`);
    }
    const files = (found as unknown[]).map((entry, index) => fileIn(entry, index, url, names));
    if (files.length > 0 && files.every((file) => file.url === '')) {
      throw new FetchFailure(
        'index',
        `No entry of the index has an address in the field “${names.url}”. Check the names of the fields.`,
      );
    }
    yield* files;
  },
});

const at = (from: unknown, path: string): unknown =>
  path === '' ? from : path.split('.').reduce((value, name) => own(value, name), from);

const own = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;

function fileIn(entry: unknown, index: number, base: string, names: Options): ListedFile {
  const read = (name: string) => (name === '' ? undefined : at(entry, name));
  const address = typeof entry === 'string' ? entry : read(names.url);
  const url = typeof address === 'string' && address !== '' ? URL.parse(address, base) : null;
  const name = read(names.name);
  const size = Number(read(names.size) ?? Number.NaN);
  const etag = plainEtag(textOf(read(names.etag)));
  return {
    name: (textOf(name) ?? '') || (url && nameAt(url)) || `Entry ${index + 1}`,
    url: url?.href ?? '',
    ...(Number.isSafeInteger(size) && size >= 0 && { size }),
    ...(etag !== null && { etag }),
  };
}

const textOf = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
