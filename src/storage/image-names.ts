// Finds the names of all images that the databases of an environment mention, so that the cleanup keeps these images.
// Searches rows and their history, recorded transfers (an undo may restore their images), transfer sheets that were not
// sent, and bases (the last content that a row had in common with its destination).
import type { Db } from 'mongodb';
import { fieldEntries, type Entity } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { name as identifier, select, sql, type Queryable } from '../database/sql.ts';
import { imageTexts } from '../database/image-bundles.ts';
import { IMAGE_NAME } from './images.ts';

type Databases = { sql: Queryable; documents: Db };

/**
 * Returns the names of all images that a row, or a record about a row, refers to. The history is
 * searched last: if an edit removes a name from a row during the search, the history contains that
 * name by then.
 */
export async function namedImages(on: Databases): Promise<Set<string>> {
  const named = new Set<string>();
  for (const ask of [inRows, inSelections, inBases, inTransfers, inHistory]) {
    for await (const text of ask(on)) {
      for (const [name] of String(text).matchAll(new RegExp(IMAGE_NAME, 'g'))) named.add(name);
    }
  }
  return named;
}

/** Returns the names of the images that rows refer to now. */
export async function shownImages(on: Databases): Promise<string[]> {
  const shown = new Set<string>();
  for await (const text of inRows(on)) {
    if (typeof text === 'string' && text !== '') shown.add(text);
  }
  return [...shown].toSorted();
}

async function* inRows({ sql: on, documents }: Databases) {
  for (const entity of catalog) {
    for (const field of imageFields(entity)) {
      if (entity.store === 'mysql') {
        yield* pages((after) =>
          select<Line>(
            on,
            sql`select id as at, ${identifier(field)} as text from ${identifier(entity.table)}
                 where id > ${after} order by id limit ${LINES}`,
          ),
        );
      } else {
        const found = documents.collection(entity.table).find({}, { projection: { [field]: 1 } });
        for await (const row of found) yield row[field] as unknown;
      }
    }
  }
}

const imageFields = (entity: Entity) =>
  fieldEntries(entity).flatMap(([field, { kind }]) => (kind === 'image' ? [field] : []));

/** Yields the values that people typed on transfer sheets. */
async function* inSelections({ sql: on }: Databases) {
  const found = await select<{ text: string }>(
    on,
    sql`select choices as text from selection where choices regexp ${IMAGE_NAME}`,
  );
  for (const { text } of found) yield text;
}

async function* inBases({ sql: on }: Databases) {
  for (const { name } of catalog) {
    yield* pages((after) =>
      select<Line>(
        on,
        sql`select row_id as at, if(base_content regexp ${IMAGE_NAME}, base_content, null) as text
              from destination_state where entity = ${name} and row_id > ${after}
             order by row_id limit ${LINES}`,
      ),
    );
  }
}

async function* inTransfers({ sql: on }: Databases) {
  yield* imageTexts(on, 'step_image_bundle');
  const images = sql`concat_ws(' ', s.base_before, s.remark)`;
  yield* pages((after) =>
    select<Line>(
      on,
      sql`select t.number as at, ${images} as text
            from (select id, number from transfer where number > ${after} order by number limit 100) t
            left join transfer_step s on s.transfer = t.id and ${images} regexp ${IMAGE_NAME}
           order by t.number`,
    ),
  );
}

async function* inHistory({ sql: on }: Databases) {
  yield* imageTexts(on, 'image_bundle');
}

const LINES = 5000;
type Line = { at: number; text: string | null };

/** Yields the texts that a query finds. Each SQL statement reads only a chunk of the rows, so that none takes long. */
async function* pages(ask: (after: number) => Promise<Line[]>): AsyncGenerator<string> {
  for (let after = 0; ;) {
    const lines = await ask(after);
    for (const { text } of lines) if (text) yield text;
    const last = lines.at(-1);
    if (!last) return;
    after = last.at;
  }
}
