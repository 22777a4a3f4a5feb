// Random transfers (500 with `bin/test --long`), each followed by its undo. The undo must restore every column, link
// and document of the destination, and an app that polls for newer rows must end with the same rows.
import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { canonical } from '../../src/catalog/content.ts';
import { keyText, type Content, type RowKey } from '../../src/catalog/entity.ts';
import { catalog, entityNamed } from '../../src/catalog/index.ts';
import { name, select, sql } from '../../src/database/sql.ts';
import { remove } from '../../src/editing/deletions.ts';
import type { App } from '../../src/environments/app.ts';
import { collection } from '../../src/rows/mongo.ts';
import { read } from '../../src/rows/store.ts';
import { contents, type Contents } from '../support/checker.ts';
import { add, change, writeContextOf, pm, sheet, transfer, undo } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });

/** How many random transfers are sent and undone; `bin/test --long` sets 500. */
const wanted = Number(process.env['UNDO_TRANSFERS'] ?? 100);

const cities = ['Pune', 'Delhi', '東京 🗼'];
const partners = [null, 'TOI Offers', 'Café “Coral”'];

const words = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .map((text) => `~${text}`);
const links = fc.uniqueArray(
  fc.record({ city: fc.constantFrom(...cities), partner: fc.constantFrom(...partners) }),
  { selector: ({ city }) => city, maxLength: 3 },
);

/** A random edit in staging; `at` is a random number that decides which existing row the edit changes. */
const edit = fc.oneof(
  fc.record({ do: fc.constant('business' as const), at: fc.nat(), text: words, links }),
  fc.record({ do: fc.constant('form' as const), at: fc.nat(), text: words, links }),
  fc.record({ do: fc.constant('form_field' as const), at: fc.nat(), text: words, links }),
  fc.record({ do: fc.constant('task' as const), at: fc.nat(), text: words, links }),
  fc.record({ do: fc.constant('remove' as const), at: fc.nat(), text: words, links }),
);
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;
const round = fc.record({
  edits: fc.array(edit, { minLength: 1, maxLength: 3 }),
  /** A number whose bits say which of the rows are selected for the transfer. */
  picked: fc.nat(),
  /** Whether the rows are sent again after the undo, so that the next round begins in another state. */
  stays: fc.boolean(),
});

async function idsOf(entity: string): Promise<number[]> {
  const lines = await select<{ row_id: number }>(
    world.staging.sql,
    sql`select row_id from row_state where entity = ${entity} and deleted_at is null order by row_id`,
  );
  return lines.map((line) => line.row_id);
}
const pick = <T>(from: T[], at: number): T | undefined => from[at % Math.max(1, from.length)];

/** Returns the content that an edit gives a row; null if there is no row yet to which this content must refer. */
const facts: Record<Exclude<Edit['do'], 'remove'>, (one: Edit) => Promise<Content | null>> = {
  business: async ({ text, links: linked }) => ({ description: text, cities: linked }),
  form: async ({ text }) => ({ description: text }),
  form_field: async ({ at, text }) => {
    const form = pick(await idsOf('form'), at);
    return form === undefined ? null : { form, label: text };
  },
  task: async ({ at, text, links: linked }) => {
    const business = pick(await idsOf('business'), at);
    const form = pick([null, ...(await idsOf('form'))], at) ?? null;
    return business === undefined ? null : { business, form, message: text, cities: linked };
  },
};

async function perform(one: Edit) {
  const { staging } = world;
  if (one.do === 'remove') {
    const entity = one.at % 2 === 0 ? 'form_field' : 'task';
    const id = pick(await idsOf(entity), one.at);
    if (id !== undefined) await remove(writeContextOf(staging), pm, entityNamed(entity), id);
  } else {
    const content = await facts[one.do](one);
    const ids = await idsOf(one.do);
    const id = one.at % 3 === 0 ? undefined : pick(ids, one.at);
    if (content && id !== undefined) await change(staging, { entity: one.do, id }, content);
    else if (content) await add(staging, one.do, content);
  }
}

/** Returns the rows that the bits of `picked` select, at least one. Deleted rows can be selected, too. */
async function chosen(picked: number): Promise<RowKey[]> {
  const roots = ['business', 'form', 'task'];
  const [gone] = (await world.staging.sql.query(
    "select entity, row_id as id from row_state where deleted_at is not null and entity in ('task', 'form')",
  )) as unknown as [RowKey[]];
  const here = [];
  for (const entity of roots) for (const id of await idsOf(entity)) here.push({ entity, id });
  const all = [...here, ...gone.map(({ entity, id }) => ({ entity, id }))];
  const some = all.filter((_key, index) => (picked >> (index % 30)) & 1);
  return some.length > 0 ? some : all.slice(0, 1);
}

/** An app that keeps a copy of an environment’s rows and updates it by polling for newer rows. */
function app(here: App) {
  const copy: Contents = new Map();
  const cursors = new Map<string, string>();
  const newer = async (entity: string) => {
    const of = entityNamed(entity);
    const from = cursors.get(entity) ?? '2000-01-01 00:00:00.000';
    const found =
      of.store === 'mysql'
        ? await select<{ id: number; at: string }>(
            here.sql,
            sql`select id, modified_at as at from ${name(of.table)} where modified_at > ${from}`,
          )
        : (
            await collection(here.documents, of)
              .find({ modified_at: { $gt: new Date(`${from.replace(' ', 'T')}Z`) } })
              .toArray()
          ).map((one) => ({
            id: one._id,
            at: (one.modified_at ?? new Date(0)).toISOString().replace('T', ' ').replace('Z', ''),
          }));
    for (const { at } of found) if (at > (cursors.get(entity) ?? '')) cursors.set(entity, at);
    return found.map(({ id }) => ({ entity, id }));
  };
  const poll = async () => {
    const gone = await select<{ entity: string; row_id: number }>(
      here.sql,
      sql`select entity, row_id from row_state where deleted_at is not null`,
    );
    for (const { entity, row_id: id } of gone) copy.delete(keyText({ entity, id }));
    for (const { name: entity } of catalog) {
      const rows = await read(here, await newer(entity));
      for (const [text, row] of rows) copy.set(text, canonical(entityNamed(entity), row));
    }
  };
  return { copy, poll };
}

test('the undo of a random transfer restores every value, at the destination and in an app that polls the destination', async () => {
  const counted = { undone: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 10, maxLength: 10 }), async (rounds) => {
      await world.clear();
      const { staging, preprod } = world;
      for (const here of [staging, preprod]) {
        for (const city of cities) await add(here, 'city', { name: city });
        for (const partner of partners) if (partner) await add(here, 'partner', { name: partner });
      }
      await add(staging, 'business');
      const { copy, poll } = app(preprod);
      for (const { edits, picked, stays } of rounds) {
        for (const one of edits) await perform(one);
        const keys = await chosen(picked);
        const before = await contents(preprod);
        const { plan } = await sheet(staging, keys);
        const again = plan.steps.map(keyText);
        const written = plan.steps.filter(({ action }) => action !== 'same');
        const isFree = plan.problems.every(({ reason }) => reason === 'undone');
        if (isFree && written.length > 0) {
          const sent = await transfer(staging, keys, { again });
          await poll();
          expect(await contents(preprod)).not.toEqual(before);
          await undo(staging, sent);
          await poll();
          expect(await contents(preprod)).toEqual(before);
          counted.undone += 1;
          if (stays) await transfer(staging, keys, { again });
        }
        await poll();
        expect(copy).toEqual(await contents(preprod));
      }
    }),
    { numRuns: Math.ceil(wanted / 7), endOnFailure: true },
  );
  expect(counted.undone).toBeGreaterThanOrEqual(wanted);
}, 600_000);
