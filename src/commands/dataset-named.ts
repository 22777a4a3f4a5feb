// Parses names of datasets and reasons that a user types on the command line.
import * as datasets from '../datasets/datasets.ts';
import { fullName, type Dataset } from '../datasets/datasets.ts';
import type { App } from '../environments/app.ts';
import { NotFound } from '../problems.ts';
import { cleanLine } from '../typed-text.ts';
import { UsageError } from './cli.ts';

/**
 * Splits `organisation/name` into its parts.
 * @throws UsageError when the text has another form
 */
export function nameParts(text: string): Pick<Dataset, 'organisation' | 'name'> {
  const [organisation = '', name, ...more] = text.split('/');
  if (name === undefined || more.length > 0) {
    throw new UsageError(`“${text}” is not organisation/name, such as statistics/rainfall.`);
  }
  return { organisation, name };
}

/**
 * Finds a dataset by its name.
 * @throws NotFound with the names of the datasets that exist
 */
export async function datasetNamed(here: App, text: string): Promise<Dataset> {
  const found = await datasets.named(here.sql, nameParts(text));
  if (found) return found;
  const names = (await datasets.list(here.sql)).map(fullName);
  const known = names.length === 0 ? 'none yet' : names.slice(0, 30).join(', ');
  throw new NotFound(
    `There is no dataset “${text}”. There are: ${known}. Add one: oneway datasets add organisation/name`,
  );
}

const MOST_REASON = 500;

/**
 * Cleans a reason to one line.
 * @throws UsageError when the reason is empty or too long
 */
export function reasonIn(text: string): string {
  const reason = cleanLine(text);
  if (reason === '') throw new UsageError('--reason: write why, in one line.');
  if ([...reason].length <= MOST_REASON) return reason;
  throw new UsageError(`--reason: at most ${MOST_REASON} characters.`);
}
