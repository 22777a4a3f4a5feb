// Bases are packed for 1,000 ids together. These tests compare what is read of them with a plain map.
import { hash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyText } from '../../src/catalog/entity.ts';
import { run, sql, toSqlInstant } from '../../src/database/sql.ts';
import {
  baseIds,
  basesInChunks,
  everyBaseId,
  readBases,
  writeBases,
  type Base,
} from '../../src/state/base-chunks.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });

/** Ids around the ends of three chunks. */
const id = fc.oneof(
  fc.integer({ min: 1, max: 6 }),
  fc.integer({ min: 995, max: 1004 }),
  fc.integer({ min: 1996, max: 2999 }),
);
const written = fc.array(fc.dictionary(id.map(String), fc.nat(3), { maxKeys: 12 }), {
  minLength: 1,
  maxLength: 4,
});
const wanted = fc.array(fc.record({ entity: fc.constantFrom('task', 'form'), id }), {
  maxLength: 12,
});

test('each base that was written is read, alone and with all others of its chunk, with the time since which it has this hash', async () => {
  const { sql: on } = world.staging;
  await fc.assert(
    fc.asyncProperty(written, wanted, async (writes, keys) => {
      await run(on, sql`delete from base_chunk`);
      const known = new Map<string, Base>();
      for (const [index, contents] of writes.entries()) {
        const at = `2026-01-02T03:04:0${index}.678Z`;
        const entity = index % 2 === 0 ? 'task' : 'form';
        const hashes = new Map(
          Object.entries(contents).map(([one, content]) => [
            Number(one),
            hash('sha256', String(content)),
          ]),
        );
        await writeBases(on, entity, hashes, at);
        for (const [one, own] of hashes) {
          const text = keyText({ entity, id: one });
          if (known.get(text)?.hash !== own) known.set(text, { hash: own, at: toSqlInstant(at) });
        }
      }
      const asked = new Set(keys.map(keyText));
      expect(await readBases(on, keys)).toEqual(
        new Map([...known].filter(([text]) => asked.has(text))),
      );
      const tasks = await basesInChunks(on, 'task', [0, 1, 2]);
      const read = [...tasks.values()].flatMap((bases) =>
        [...bases].map(([one, base]) => [keyText({ entity: 'task', id: one }), base] as const),
      );
      expect(new Map(read)).toEqual(
        new Map([...known].filter(([text]) => text.startsWith('task:'))),
      );
    }),
  );
});

test('the ids with a base are read completely, of one entity and of all, when they need several reads', async () => {
  const { sql: on } = world.staging;
  await run(on, sql`delete from base_chunk`);
  const perEntity = { form: 130, sts: 100, task: 70 };
  for (const [entity, chunks] of Object.entries(perEntity)) {
    const ids = Array.from({ length: chunks }, (_, chunk) => chunk * 1000 + 7);
    await writeBases(on, entity, new Map(ids.map((one) => [one, hash('sha256', 'x')])), at);
  }
  const found: Record<string, number> = {};
  for await (const { entity, ids } of everyBaseId(on)) {
    found[entity] = (found[entity] ?? 0) + ids.length;
  }
  expect(found).toEqual(perEntity);
  const forms: number[] = [];
  for await (const ids of baseIds(on, 'form')) forms.push(...ids);
  expect(forms).toEqual(Array.from({ length: 130 }, (_, chunk) => chunk * 1000 + 7));
});

const at = '2026-01-02T03:04:05.678Z';
