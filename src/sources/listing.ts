// Reads the list of files of a data source for a run: each file once, in the order in which the run fetches and loads
// the files.
import { kinds } from './index.ts';
import type { Http } from './http.ts';
import type { ListedFile } from './kind.ts';
import { storedName } from './names.ts';
import { optionsOf, type Source } from './sources.ts';

/** A file that could not be fetched or loaded, with the reason. */
export type FailedFile = { name: string; reason: string; message: string };

export type Listing = { files: ListedFile[]; failed: FailedFile[] };

const inOrder = new Intl.Collator('en', { numeric: true });

/**
 * Reads the list of files of a data source and sorts it by file name. Numbers in names sort by their value:
 * `rain-9.csv` comes before `rain-10.csv`.
 * @throws FetchFailure when the index cannot be fetched or read
 */
export async function listFiles(source: Source, http: Http): Promise<Listing> {
  const files = new Map<string, ListedFile>();
  const failed: FailedFile[] = [];
  for await (const listed of kinds[source.kind].list(
    { url: source.url, options: optionsOf(source) },
    http,
  )) {
    const file = { ...listed, name: storedName(listed.name) };
    const known = files.get(file.name);
    if (file.url.length > LONGEST) failed.push(tooLong(file));
    else if (!known) files.set(file.name, file);
    else if (known.url !== file.url) failed.push(twice(file, known));
  }
  return {
    files: [...files.values()].toSorted(
      (one, other) => inOrder.compare(one.name, other.name) || (one.name < other.name ? -1 : 1),
    ),
    failed,
  };
}

/** The most characters that the URL of a file may have. */
const LONGEST = 2000;

const tooLong = ({ name, url }: ListedFile): FailedFile => ({
  name,
  reason: 'name',
  message: `Its address has ${url.length} characters, more than the ${LONGEST} that are kept: ask the publisher for a shorter one.`,
});

const twice = ({ name, url }: ListedFile, first: ListedFile): FailedFile => ({
  name,
  reason: 'name',
  message:
    `The source lists two files of this name, at ${first.url} and at ${url}. Only the first is fetched: ask the publisher for different names.`.slice(
      0,
      1000,
    ),
});
