// A selection is a product manager's basket: the rows of a transfer to be, and what was decided on its sheet.
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { keyFrom, keyText, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { first, run, sql, type Queryable } from '../database/sql.ts';
import { Invalid, NotFound } from '../problems.ts';
import { noChoices, type Choices } from './plan.ts';

export type Selection = {
  id: string;
  name: string;
  reason: string | null;
  person: string;
  keys: RowKey[];
  choices: Choices;
  /** Transfers that brought these rows here. */
  chain: string[];
};

const keySchema = z
  .string()
  .regex(/^[a-z_]+:[1-9]\d{0,15}$/)
  .transform(keyFrom);

/**
 * Parses `task:12` as a form posts it.
 * @throws Invalid when nothing was chosen or a key is not one; NotFound for a type that is not in the catalogue
 */
export function parseKeys(posted: unknown): RowKey[] {
  const result = z
    .array(keySchema)
    .min(1)
    .safeParse([posted ?? []].flat());
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
  return [...unique.values()];
}

export async function create(
  on: Queryable,
  person: string,
  from: { keys: RowKey[]; name?: string; chain?: string[] },
): Promise<string> {
  const id = uuid();
  await run(
    on,
    sql`insert into selection (id, name, person, row_keys, choices, chain)
        values (${id}, ${from.name ?? ''}, ${person}, ${JSON.stringify(from.keys.map(keyText))},
          ${JSON.stringify(noChoices)}, ${JSON.stringify(from.chain ?? [])})`,
  );
  return id;
}

export async function find(on: Queryable, id: string): Promise<Selection> {
  const line = await first<{
    id: string;
    name: string;
    reason: string | null;
    person: string;
    row_keys: string;
    choices: string;
    chain: string;
  }>(on, sql`select * from selection where id = ${id}`);
  if (!line) throw new NotFound('There is no such selection. Choose the rows again on their list.');
  return {
    id: line.id,
    name: line.name,
    reason: line.reason,
    person: line.person,
    keys: z.array(keySchema).parse(JSON.parse(line.row_keys)),
    choices: JSON.parse(line.choices) as Choices,
    chain: JSON.parse(line.chain) as string[],
  };
}

export type Decided = { choices: Choices; keys: RowKey[]; name: string; reason: string | null };

export const decide = (on: Queryable, id: string, { choices, keys, name, reason }: Decided) =>
  run(
    on,
    sql`update selection
           set choices = ${JSON.stringify(choices)}, row_keys = ${JSON.stringify(keys.map(keyText))},
               name = ${name.slice(0, 120)}, reason = ${reason}
         where id = ${id}`,
  );
