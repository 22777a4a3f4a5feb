// Parses the row keys that people choose in forms.
import { z } from 'zod';
import { keyFrom, keyText, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { Invalid } from '../problems.ts';

const keySchema = z
  .string()
  .regex(/^[a-z_]+:[1-9]\d{0,15}$/)
  .transform(keyFrom);

/**
 * Parses posted keys such as `task:12`, and returns each key once.
 * @throws Invalid when no row was chosen, a key is malformed, or the rows cannot be transferred; NotFound for a type
 * that is not in the catalogue
 */
export function parseKeys(posted: string[]): RowKey[] {
  const result = z.array(keySchema).min(1).safeParse(posted);
  if (!result.success) throw new Invalid({ rows: 'Choose at least one row: go back and tick it.' });
  const unique = new Map(result.data.map((key) => [keyText(key), key]));
  for (const key of unique.values()) {
    if (entityNamed(key.entity).isMatchedByName) {
      const { many } = entityNamed(key.entity).label;
      throw new Invalid({
        rows: `${many} belong to their environment and are not transferred by themselves. They are created there from the sheet of a row that needs them.`,
      });
    }
  }
  if (unique.size > MOST_ROWS) throw tooManyRows();
  return [...unique.values()];
}

/** The most rows that a person may choose. An undo has no limit: it may include all rows of its transfer. */
const MOST_ROWS = 20_000;

const tooManyRows = () =>
  new Invalid({
    rows: `A selection can have ${MOST_ROWS.toLocaleString('en')} rows at most. Narrow the list with its filters, and send the others in a second transfer.`,
  });

/** Adds posted keys to the keys of a selection, and returns each key once. */
export function joinedKeys(keys: RowKey[], posted: string[]): RowKey[] {
  const all = new Map([...keys, ...parseKeys(posted)].map((key) => [keyText(key), key]));
  if (all.size > MOST_ROWS) throw tooManyRows();
  return [...all.values()];
}
