// An image is the whole content of a row before or after a write. Images are stored for the history of rows and for the
// journal, the record of every transfer. They are stored in compressed blocks of up to 500 rows, because a block takes
// a tenth of the space of its rows.
import type { Pool } from 'mysql2/promise';
import { insertRows } from './bulk.ts';
import { blockOf, compressBlock, linesOf, MAGIC, textOf } from './image-blocks.ts';
import { settleAll } from '../settle-all.ts';
import { failpoint } from './failpoints.ts';
import {
  join,
  name,
  run,
  select,
  sql,
  transaction,
  type Queryable,
  type Statement,
} from './sql.ts';

export type ImageStore = {
  /**
   * The table `image_bundle` belongs to the history of rows, which keeps its images for good. The table
   * `step_image_bundle` belongs to the journal of transfers, which replaces its images by hashes a day after the
   * written rows of a transfer were verified.
   */
  table: 'image_bundle' | 'step_image_bundle';
  side: 'before' | 'after' | 'hash';
};
/** The contents of rows that a write overwrote or deleted. The history of rows shows these contents. */
export const replaced: ImageStore = { table: 'image_bundle', side: 'before' };
/** The contents of rows before a transfer wrote them. The journal of transfers keeps them for about a day. */
export const beforeSteps: ImageStore = { table: 'step_image_bundle', side: 'before' };
/** The contents of rows after a transfer wrote them. The journal of transfers keeps them for about a day. */
export const afterSteps: ImageStore = { table: 'step_image_bundle', side: 'after' };
/**
 * The hashes of rows after a transfer wrote them. The journal of transfers keeps these hashes when it deletes the
 * contents of the rows.
 */
export const hashesAfterSteps: ImageStore = { table: 'step_image_bundle', side: 'hash' };

/** The place of a row in a transfer. `seq`: the number of the step that writes the row, from 1. */
export type ImagePlace = { transfer: string; seq: number };

export const placeText = ({ transfer, seq }: ImagePlace): string => `${transfer} ${seq}`;

/** Rows of a transfer, or their hashes, by position in the transfer. */
type Images = Iterable<readonly [seq: number, image: object | string | null]>;

/**
 * Stores rows of a transfer, or their hashes, with one statement for each table. A row that is null is not stored.
 * `meanwhile` sends other statements while the rows are compressed.
 */
export async function writeImages(
  on: Queryable,
  transfer: string,
  stores: (readonly [ImageStore, Images])[],
  meanwhile: () => Promise<unknown> = async () => {},
) {
  const [, bundles] = await settleAll([
    meanwhile(),
    settleAll(stores.map(([store, images]) => bundlesOf(store, transfer, images))),
  ]);
  for (const [table, own] of Map.groupBy(bundles.flat(), ([{ table: of }]) => of)) {
    await insertRows(
      on,
      table,
      own.map(([, bundle]) => bundle),
    );
  }
}

async function bundlesOf(store: ImageStore, transfer: string, images: Images) {
  const lines = [...images].filter(([, image]) => image !== null);
  const bundles = [];
  // One block after another, so that other statements are sent in between.
  for (const [block, own] of Map.groupBy(lines, ([seq]) => blockOf(seq))) {
    for (const [part, bytes] of (await compressBlock(own)).entries()) {
      const bundle = { side: store.side, transfer, block, part, images: bytes };
      bundles.push([store, bundle] as const);
    }
  }
  return bundles;
}

/** How many blocks are read at a time. */
const READ = 100;

/**
 * Reads rows of transfers, or their hashes. The result has the keys that the function placeText() makes of a transfer
 * and a position; rows that are not stored are missing.
 */
export async function readImages<T>(
  on: Queryable,
  { table, side }: ImageStore,
  places: ImagePlace[],
): Promise<Map<string, T>> {
  const wanted = new Set(places.map(placeText));
  const blocks = new Map(
    places.map(({ transfer, seq }) => [`${transfer} ${blockOf(seq)}`, [transfer, blockOf(seq)]]),
  );
  const all = [...blocks.values()].map((block) => sql`(${block[0]}, ${block[1]})`);
  const found = new Map<string, T>();
  for (let from = 0; from < all.length; from += READ) {
    const some = join(all.slice(from, from + READ), ', ');
    for (const line of await select<{ transfer: string; images: Buffer }>(
      on,
      sql`select transfer, images from ${name(table)}
           where side = ${side} and (transfer, block) in (${some})`,
    )) {
      for (const [seq, json] of await linesOf(line.images)) {
        const text = placeText({ transfer: line.transfer, seq });
        if (wanted.has(text)) found.set(text, JSON.parse(json) as T);
      }
    }
  }
  return found;
}

/**
 * Yields the text of all images (row contents) that a table stores, so that the caller can search the text. One yielded
 * text contains up to 500 rows.
 */
export async function* imageTexts(
  on: Queryable,
  table: ImageStore['table'],
): AsyncGenerator<string> {
  for (let after = 0; ;) {
    const lines = await select<{ id: number; images: Buffer }>(
      on,
      sql`select id, images from ${name(table)} where id > ${after} order by id limit ${READ}`,
    );
    for (const { images } of lines) yield await textOf(images);
    const last = lines.at(-1);
    if (!last) return;
    after = last.id;
  }
}

const ofTransfer = ({ side }: ImageStore, transfer: string): Statement =>
  sql`side = ${side} and transfer = ${transfer}`;

/** Reads all stored rows of a transfer, by position in the transfer. */
export async function imagesOf<T>(
  on: Queryable,
  store: ImageStore,
  transfer: string,
): Promise<Map<number, T>> {
  const found = new Map<number, T>();
  for (const { images } of await select<{ images: Buffer }>(
    on,
    sql`select images from ${name(store.table)} where ${ofTransfer(store, transfer)}`,
  )) {
    for (const [seq, json] of await linesOf(images)) found.set(seq, JSON.parse(json) as T);
  }
  return found;
}

export const removeImages = (on: Queryable, store: ImageStore, transfer: string) =>
  run(on, sql`delete from ${name(store.table)} where ${ofTransfer(store, transfer)}`);

/**
 * Compresses row contents that former versions of Oneway stored uncompressed, each in a database row of its own.
 * Returns how many transfers had such contents.
 */
export async function packImages({ sql: on }: { sql: Pool }): Promise<number> {
  let changed = 0;
  for (const store of [replaced, beforeSteps, afterSteps]) {
    const transfers = await select<{ transfer: string }>(
      on,
      sql`select distinct transfer from ${name(store.table)}
           where side = ${store.side} and substr(images, 1, ${MAGIC.length}) <> ${MAGIC}`,
    );
    for (const { transfer } of transfers) {
      await transaction(on, async (connection) => {
        const images = await imagesOf<object>(connection, store, transfer);
        await removeImages(connection, store, transfer);
        await writeImages(connection, transfer, [[store, images]]);
      });
      await failpoint('images packed');
    }
    changed += transfers.length;
  }
  return changed;
}
