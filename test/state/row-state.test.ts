// The states of rows are stored exactly as they are written, whichever of their columns were empty before.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readStates, writeStates, type RowState } from '../../src/state/row-state.ts';
import { sql, run } from '../../src/database/sql.ts';
import { stateOf } from '../support/facts.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const at = '2026-01-02 03:04:05.678';

const marks = fc.record({
  engineering_by: fc.constantFrom(null, null, 'dev@example.com'),
  engineering_at: fc.constantFrom(null, at),
  engineering_fields: fc.constantFrom(null, '["Title"]'),
  adopted_by: fc.constantFrom(null, null, 'pm@example.com'),
  adopted_at: fc.constantFrom(null, at),
  held_by: fc.constantFrom(null, null, 'pm@example.com'),
  held_at: fc.constantFrom(null, at),
  held_reason: fc.constantFrom(null, 'Waits for “legal” 🪔'),
  deleted_at: fc.constantFrom(null, null, at),
});
const stateWith = (id: number, version: number, own: Partial<RowState>): RowState => ({
  ...stateOf({ id, modified_at: at, title: `Task ${id}` }, `task:${id}`, own),
  created_at: at,
  changed_at: at,
  version,
});

const rows = fc.array(fc.tuple(fc.option(marks), fc.oneof(fc.constant({}), marks)), {
  minLength: 1,
  maxLength: 5,
});

test('a state that is written over the locked former one is stored as it is, with every mark that it has or no longer has', async () => {
  const { sql: on } = world.staging;
  await fc.assert(
    fc.asyncProperty(rows, async (pairs) => {
      await run(on, sql`delete from row_state`);
      const before = pairs.flatMap(([former], index) =>
        former ? [stateWith(index + 1, 1, former)] : [],
      );
      if (before.length > 0) await writeStates(on, before);
      const after = pairs.map(([, next], index) => stateWith(index + 1, 2, next));
      const keys = after.map(({ entity, row_id: id }) => ({ entity, id }));
      await writeStates(on, after, await readStates(on, keys));
      expect([...(await readStates(on, keys)).values()]).toMatchObject(after);
    }),
    { numRuns: 60 },
  );
});
