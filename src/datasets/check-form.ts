// Parses the form of the page where a person checks a data file before it is loaded: encoding, delimiter, header line,
// column types.
import { z } from 'zod';
import { Invalid } from '../problems.ts';
import type { Form } from '../web/form/form.ts';
import type { Examined } from './examination.ts';
import { choicesSchema, columnTypes, type Choices, type ColumnType } from './reading/reading.ts';

/** The largest number of columns whose types a person can choose on the page. */
const MOST_COLUMNS = 4000;

/** Writes a column type with its format as one value of a select: `date|d/m/y`, `integer|`. */
export const typeValue = ({ type, format }: { type: ColumnType; format: string | null }) =>
  `${type}|${format ?? ''}`;

const typeSchema = z
  .string()
  .regex(new RegExp(`^(${columnTypes.join('|')})\\|`))
  .transform((value) => {
    const [type, ...format] = value.split('|');
    return { type: type as ColumnType, format: format.join('|') || null };
  });

/**
 * Returns the choices that a person made on the page. A select that still shows the proposed value
 * is no choice: after a change of the encoding or delimiter, the program may propose another value.
 * @throws Invalid for a value that the page does not offer
 */
export function postedChoices(form: Form, { reading }: Examined, before: Choices): Choices {
  const choices: Record<string, unknown> = {
    ...before,
    types: postedTypes(form, reading.columns, before),
  };
  const encoding = form.text('encoding');
  if (encoding !== '' && encoding !== reading.encoding) choices['encoding'] = encoding;
  if (encoding !== '' && form.text('answered') === 'encoding') choices['encoding'] = encoding;
  const delimiter = form.raw('delimiter') === 'tab' ? '\t' : (form.raw('delimiter') ?? '');
  if (delimiter !== '' && delimiter !== reading.delimiter) choices['delimiter'] = delimiter;
  const header = form.text('headerLine');
  if (header !== '' && header !== String(reading.headerLine ?? 'none')) {
    choices['headerLine'] = header === 'none' ? null : Number(header);
  }
  for (const name of ['fillShortRows', 'ignoreEmptySurplus'] as const) {
    choices[name] = form.text(name) === 'yes';
  }
  const parsed = choicesSchema.safeParse(choices);
  if (parsed.success) return parsed.data;
  throw new Invalid(
    Object.fromEntries(
      parsed.error.issues.map(({ path }) => [
        String(path[0] ?? 'encoding'),
        'Choose one of the values that the page offers',
      ]),
    ),
  );
}

function postedTypes(
  form: Form,
  columns: Examined['reading']['columns'],
  before: Choices,
): NonNullable<Choices['types']> {
  const chosen = new Map(Object.entries(before.types ?? {}));
  const byName = new Map(columns.map((column) => [column.name, column]));
  const asked = new Set(form.texts('asked'));
  for (const { name, type } of form.lines('types', ['name', 'type'], MOST_COLUMNS)) {
    const proposed = byName.get(name);
    const posted = typeSchema.safeParse(type);
    if (!proposed || !posted.success) continue;
    if (typeValue(posted.data) !== typeValue(proposed) || asked.has(name)) {
      chosen.set(name, posted.data);
    }
  }
  return Object.fromEntries(chosen);
}

/** Whether two sets of choices about how to parse a file (encoding, delimiter …) are equal. */
export const isSameChoice = (one: Choices, other: Choices): boolean =>
  JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));

const sorted = ({
  types = {},
  fillShortRows = false,
  ignoreEmptySurplus = false,
  ...rest
}: Choices) => ({
  ...Object.fromEntries(Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  fillShortRows,
  ignoreEmptySurplus,
  types: Object.entries(types).toSorted(([a], [b]) => (a < b ? -1 : 1)),
});
