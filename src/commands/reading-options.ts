// Parses the options that say how a data file is read: `--encoding`, `--delimiter`, `--header` and `--type`.
import { delimiters } from '../datasets/reading/delimiter.ts';
import { encodingNamed } from '../datasets/reading/encoding.ts';
import {
  choicesSchema,
  columnTypes,
  formatsOf,
  type Choices,
} from '../datasets/reading/reading.ts';
import { UsageError } from './cli.ts';

type ReadingOptions = {
  encoding?: string;
  delimiter?: string;
  header?: string;
  type?: string[];
  fillShortRows?: boolean;
  ignoreEmptySurplus?: boolean;
};

/** The options for a data file: how it is read, and whether rejected lines and changed columns are accepted. */
export type Acceptance = ReadingOptions & { acceptRejects?: boolean; acceptColumns?: boolean };

/** Collects the values of an option that may be repeated. */
export const collect = (value: string, before: string[]) => [...before, value];

/**
 * Parses the command-line options into choices of how a data file is parsed; returns an empty object if no option is
 * given.
 * @throws UsageError when an option has an invalid value
 */
export function choicesIn(options: ReadingOptions): Choices {
  const choices: Choices = {};
  if (options.encoding !== undefined) choices.encoding = encodingIn(options.encoding);
  if (options.delimiter !== undefined) choices.delimiter = delimiterIn(options.delimiter);
  if (options.header !== undefined) choices.headerLine = headerIn(options.header);
  if (options.type?.length) choices.types = Object.fromEntries(options.type.map(typeIn));
  if (options.fillShortRows) choices.fillShortRows = true;
  if (options.ignoreEmptySurplus) choices.ignoreEmptySurplus = true;
  return choices;
}

function encodingIn(label: string): string {
  const name = encodingNamed(label);
  if (name !== null) return name;
  throw new UsageError(
    `--encoding: no encoding is called “${label}”. There are utf-8, utf-16le, windows-1252, iso-8859-15, shift_jis and others.`,
  );
}

function delimiterIn(text: string): string {
  const delimiter = text === 'tab' || text === '\\t' ? '\t' : text;
  if (delimiters.some((one) => one === delimiter)) return delimiter;
  throw new UsageError(`--delimiter: “${text}” is none of , ; | tab.`);
}

function headerIn(text: string): number | null {
  if (text === 'none') return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(
    `--header: “${text}” is not the number of a line. The first line is 1; without a header: none.`,
  );
}

const chosenTypes = choicesSchema.shape.types.unwrap();

/**
 * Parses `opened=date d/m/y` into a column and its type. The last “=” separates them, because names
 * of columns may contain “=” and types cannot.
 */
function typeIn(text: string): [string, NonNullable<Choices['types']>[string]] {
  const at = text.lastIndexOf('=');
  const [type = '', format = null] = text.slice(at + 1).split(' ', 2);
  const column = text.slice(0, at);
  const parsed = chosenTypes.safeParse({ [column]: { type, format } });
  const chosen = at > 0 && parsed.success ? parsed.data[column] : undefined;
  if (chosen) return [column, chosen];
  throw new UsageError(
    `--type: “${text}” is not column=type, such as "opened=date d/m/y". Types: ${typesWithFormats().join(', ')}.`,
  );
}

const typesWithFormats = () =>
  columnTypes.flatMap((type) =>
    formatsOf[type].map((format) => (format === null ? type : `${type} ${format}`)),
  );
