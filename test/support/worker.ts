// A process of its own that does one thing and kills (or stops) itself on the way. It waits for a line of JSON
// on its standard input, so that it can be started before it is needed.
import { createInterface } from 'node:readline';
import { entityNamed } from '../../src/catalog/index.ts';
import type { Content, RowKey } from '../../src/catalog/entity.ts';
import { remove } from '../../src/editing/deletions.ts';
import { openHere, type Here } from '../../src/environments/here.ts';
import { patience } from '../../src/database/patience.ts';
import { upgrade } from '../../src/commands/migration.ts';
import { copyDown } from '../../src/promotion/copy-down.ts';
import { bulk } from '../../src/journal/documents.ts';
import { deliver } from '../../src/messages/delivery.ts';
import { recover, sweepClaims } from '../../src/journal/recovery.ts';
import { byId } from '../../src/journal/journal.ts';
import { points } from '../../src/journal/points.ts';
import { parseSettings } from '../../src/settings.ts';
import { change, homeOf, pm, transfer, undo } from './rows.ts';

export type Task =
  | { do: 'transfer'; keys: RowKey[] }
  | { do: 'undo'; transfer: string }
  | { do: 'save'; key: RowKey; facts: Content }
  | { do: 'delete'; key: RowKey }
  | { do: 'copy-down' }
  | { do: 'recover' }
  | { do: 'deliver' }
  | { do: 'upgrade'; patience: number };

export type At = {
  /** Name of a point, or `any`. */
  point: string;
  /** The how many-eth time. */
  times: number;
  signal: 'SIGKILL' | 'SIGSTOP';
};

export type Order = {
  variables: Record<string, string>;
  task: Task;
  at: At | null;
  /** Milliseconds by which this machine's clock is wrong. */
  skew?: number;
  /** Milliseconds until a statement is given up. */
  statement?: number;
  /** How many documents it writes in one round trip: one, if nothing is said. */
  bulk?: number;
};

const quiet = { info: () => {}, warn: () => {} };

const tasks: { [kind in Task['do']]: (here: Here, task: Task & { do: kind }) => Promise<unknown> } =
  {
    transfer: (here, { keys }) => transfer(here, keys),
    undo: async (here, { transfer: id }) => {
      const sent = await byId(here.sql, id);
      if (!sent) throw new Error('There is no such transfer');
      return undo(here, sent);
    },
    save: (here, { key, facts }) => change(here, key, facts),
    delete: (here, { key }) => remove(homeOf(here), pm, entityNamed(key.entity), key.id),
    'copy-down': (here) => {
      if (!here.source) throw new Error('There is no source');
      return copyDown({ here, there: here.destination, source: here.source, lease: 100 });
    },
    upgrade: (here, { patience }) => upgrade({ here, say: () => {}, patience, kept: 0 }),
    deliver,
    recover: async (here) => {
      const recovering = { here, there: here.destination, lease: 100, log: quiet };
      await recover(recovering);
      await sweepClaims(recovering);
    },
  };

async function main({ variables, task, at, skew = 0, statement, bulk: size = 1 }: Order) {
  const now = Date.now.bind(Date);
  if (skew !== 0) Date.now = () => now() + skew;
  if (statement) patience.statement = statement;
  bulk.size = size;
  const here = openHere(parseSettings(variables));
  let left = at?.times ?? 0;
  points.reached = (reached) => {
    if (!at || (at.point !== 'any' && reached !== at.point)) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, at.signal);
  };
  const work = tasks[task.do] as (here: Here, task: Task) => Promise<unknown>;
  await work(here, task);
}

createInterface({ input: process.stdin }).once('line', (line) => {
  main(JSON.parse(line) as Order).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
