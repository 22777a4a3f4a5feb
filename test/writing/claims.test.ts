// Claims are stored as ranges of ids. These tests compare them with plain sets of rows, on the real server.
import { randomUUID as uuid } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import { run, select, sql, transaction } from '../../src/database/sql.ts';
import { draftOf } from '../../src/writing/changes.ts';
import type { ClaimLine, WantedRows } from '../../src/writing/claimed-rows.ts';
import * as claims from '../../src/writing/claims.ts';
import * as journal from '../../src/writing/journal.ts';
import { statesOf, recoverNow, transferKilledAt } from '../support/killing.ts';
import { openSite } from '../support/people.ts';
import { add, change, get, has, pm, sheet, transfer } from '../support/rows.ts';
import { statementsOf } from '../support/statements.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

/** A transfer from staging that writes nothing; the tests claim rows for it. */
const opened = async () =>
  (await journal.open(world.staging, world.preprod, 60_000, draftOf(pm, [], [], {}))).transfer;

const acquire = (one: journal.Transfer, wanted: WantedRows) =>
  transaction(world.preprod.writers, (on) => claims.acquire(on, one, wanted));

const lock = (one: journal.Transfer) =>
  transaction(world.preprod.writers, (on) => claims.lock(on, one));

const lines = () => select<ClaimLine>(world.preprod.sql, sql`select * from claim order by row_id`);

/** Rewrites the lines of the table `claim` as versions before 1.18.0 wrote them: one for each row. */
async function writeAsBefore() {
  const { sql: on } = world.preprod;
  for (const { row_id: first, last_id: last, ...line } of await lines()) {
    await run(
      on,
      sql`delete from claim where entity = ${line.entity} and row_id = ${first}
                        and transfer = ${line.transfer}`,
    );
    for (let id = first; id <= (last ?? first); id += 1) {
      await on.query('insert into claim set ?', [{ ...line, row_id: id }]);
    }
  }
}

const idsFrom = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_one, index) => from + index);
const tasks = (ids: number[]): RowKey[] => ids.map((id) => ({ entity: 'task', id }));

const someRows = fc.array(
  fc.record({
    entity: fc.constantFrom('task', 'form', 'city'),
    id: fc.integer({ min: 1, max: 9 }),
  }),
  { maxLength: 12 },
);
const act = fc.record({
  who: fc.nat(3),
  do: fc.constantFrom('acquire', 'acquire', 'resume', 'resume after the update', 'release'),
  write: someRows,
  shared: someRows,
});

/** Returns which row refuses a transfer, if rows are claimed by plain sets; undefined if none does. */
function refusedRow(others: Map<string, string>[], { write, shared }: WantedRows) {
  const written = new Set(write.map(keyText));
  const isTaken = (key: RowKey) =>
    others.some((held) => {
      const mode = held.get(keyText(key));
      return mode === 'write' || (mode === 'shared' && written.has(keyText(key)));
    });
  return [...write, ...shared]
    .filter(isTaken)
    .toSorted((one, other) => one.entity.localeCompare(other.entity) || one.id - other.id)[0];
}

test('claims refuse exactly the rows that a plain set of rows would refuse, whatever gaps the ids have', async () => {
  const { preprod } = world;
  const line = await opened();
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 6, maxLength: 10 }), async (acts) => {
      await run(preprod.sql, sql`delete from claim`);
      // The last of these transfers writes from preprod into preprod, so that it claims row by row.
      const all = ['staging', 'staging', 'staging', 'preprod'].map((origin) => ({
        transfer: { ...line, id: uuid(), origin } as journal.Transfer,
        wanted: null as WantedRows | null,
        held: new Map<string, string>(),
      }));
      for (const { do: what, who, write, shared } of acts) {
        const one = all[who]!;
        const others = all.filter((other) => other !== one).map(({ held }) => held);
        if (what === 'release') {
          await claims.release(preprod.sql, one.transfer);
          Object.assign(one, { wanted: null, held: new Map() });
          continue;
        }
        if (what === 'resume after the update') await writeAsBefore();
        const former = { ...one.transfer };
        if (one.wanted) one.transfer.fence += 1;
        const wanted = one.wanted ?? { write, shared };
        const refused = refusedRow(others, wanted);
        const outcome = await acquire(one.transfer, wanted).catch((error: unknown) => error);
        if (refused) {
          expect(outcome).toBeInstanceOf(claims.RowClaimed);
          const { entity, row_id: id } = (outcome as claims.RowClaimed).claim;
          expect({ entity, id }).toEqual(refused);
          continue;
        }
        expect(outcome).toBe(undefined);
        for (const key of wanted.shared) one.held.set(keyText(key), 'shared');
        for (const key of wanted.write) one.held.set(keyText(key), 'write');
        if (one.held.size > 0) await lock(one.transfer);
        if (one.wanted) await expect(lock(former)).rejects.toThrow(journal.FencedOff);
        if (one.held.size > 0) one.wanted = wanted;

        const found = await claims.onRows(preprod.sql, [...write, ...shared]);
        const expected = new Set([...write, ...shared].map(keyText))
          .values()
          .flatMap((text) =>
            all.flatMap(({ held, transfer: { id } }) =>
              held.get(text) === 'write' ? `${text} ${id}` : [],
            ),
          );
        expect(
          found.map((claim) => `${claim.entity}:${claim.row_id} ${claim.transfer}`).toSorted(),
        ).toEqual([...expected].toSorted());
        const counts = await claims.heldClaims(preprod.sql);
        expect(new Map(counts.map((held) => [held.transfer, held.rows_count]))).toEqual(
          new Map(
            all.flatMap(({ held, transfer: { id } }) => (held.size > 0 ? [[id, held.size]] : [])),
          ),
        );
      }
    }),
    { numRuns: 20 },
  );
});

test('10,000 rows with consecutive ids that are sent are claimed by one line, and counted as 10,000 rows where claims are shown and released', async () => {
  const { preprod } = world;
  const [one, small, other] = [await opened(), await opened(), await opened()];
  const claimed = (by: journal.Transfer, ids: number[]) =>
    statementsOf(() => acquire(by, { write: tasks(ids), shared: [] }));
  const statements = await claimed(one, idsFrom(1, 10_000));
  expect(await lines()).toMatchObject([{ row_id: 1, last_id: 10_000 }]);
  expect(await claimed(small, [20_000])).toBe(statements);
  const even = idsFrom(15_000, 20_000).map((id) => 2 * id);
  await claimed(other, even);
  expect(await claims.onRows(preprod.sql, tasks(even.map((id) => id + 1)))).toEqual([]);
  expect(await claims.onRows(preprod.sql, tasks(even))).toHaveLength(even.length);
  await claims.release(preprod.sql, other);

  // A program of a version before 1.18.0 that sends to preprod sees only the first row of a line.
  const own = { ...other, origin: 'preprod' } as const;
  await claimed(
    own,
    [3, 1, 2].map((id) => 40_000 + id),
  );
  expect(await lines()).toMatchObject(
    [1, 20_000, 40_001, 40_002, 40_003].map((id) => ({ row_id: id })),
  );
  await claims.release(preprod.sql, own);

  const site = await openSite(world, 'preprod');
  const { text } = await (await site.as(null)).get('/metrics');
  expect(text).toMatch(/oneway_claims\{origin="staging"[^}]*\} 10001\n/);
  await site.close();
  const why = { person: pm.email, reason: 'Staging is gone' };
  expect(await claims.releaseManually(preprod, one.id, why)).toBe(10_000);
  expect(await claims.releaseManually(preprod, one.id, why)).toBe(0);
});

test('a row between the rows that a running transfer has claimed can be transferred, and a row inside a claimed range is named as being written', async () => {
  const { staging, preprod } = world;
  const ids: number[] = [];
  for (let one = 0; one < 5; one += 1) ids.push(await add(staging, 'business'));
  const [first, second, gap, fourth, fifth] = ids.map((id) => ({ entity: 'business', id }));
  const running = await opened();
  await acquire(running, { write: [first!, second!, fourth!, fifth!], shared: [] });
  expect(await lines()).toHaveLength(2);
  expect((await transfer(staging, [gap!])).state).toBe('verified');
  expect(await has(preprod, gap!)).toBe(true);
  const { plan } = await sheet(staging, [second!, gap!, fifth!]);
  expect(plan.problems).toMatchObject([
    { reason: 'being-written', row: second },
    { reason: 'being-written', row: fifth },
  ]);
});

test('recovery completes a transfer whose rows were claimed by a version that wrote one line for each row', async () => {
  const { staging, preprod, variables } = world;
  const keys: RowKey[] = [];
  for (let one = 0; one < 3; one += 1) {
    keys.push({ entity: 'form', id: await add(staging, 'form') });
  }
  await transferKilledAt(variables.staging, keys, 'document');
  expect(await lines()).toMatchObject([{ row_id: keys[0]!.id, last_id: keys[2]!.id }]);
  await writeAsBefore();
  expect(await lines()).toHaveLength(3);
  await recoverNow(staging);
  expect(await statesOf(staging)).toEqual(['verified']);
  expect(await lines()).toEqual([]);
  for (const key of keys) expect(await get(preprod, key)).toMatchObject({ id: key.id });
  await change(staging, keys[1]!, { description: 'Newer' });
  expect((await transfer(staging, [keys[1]!])).state).toBe('verified');
});
