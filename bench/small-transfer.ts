// Counts the MySQL statements during a transfer of one row with 0, 10 and 50 dependent rows: those that the destination
// receives, and all that the program sends.
import { isDeepStrictEqual } from 'node:util';
import { v4 as uuid } from 'uuid';
import { catalogTables } from '../src/catalog/tables.ts';
import type { App } from '../src/environments/app.ts';
import { send } from '../src/transfers/send.ts';
import { add, pm, routeFrom, sheet, transfer } from '../test/support/rows.ts';
import { statementsOf } from '../test/support/statements.ts';
import type { Ground } from './support/ground.ts';
import { heard } from './support/heard.ts';
import type { Found } from './support/results.ts';
import { range } from './support/rows.ts';

const phases = ['plan', 'look again', 'transaction', 'verification'] as const;
type Phase = (typeof phases)[number];
type Counts = Record<Phase, { reads: number; writes: number }> & { others: Record<string, number> };

const DEPENDENTS = [0, 10, 50];
const KINDS = ['task', 'business'] as const;

export async function smallTransfer({ world, upper }: Ground): Promise<Found> {
  const { staging } = world;
  const counts: Record<string, Counts> = {};
  const texts: Record<string, string[]> = {};
  const inAll: Record<string, number> = {};
  for (const dependents of DEPENDENTS) {
    for (const kind of KINDS) {
      const what = `${kind} with ${dependents} dependents`;
      const click = await clickFor(staging, await rowWith(staging, kind, dependents));
      const all = await heard(upper, async () => {
        inAll[what] = await statementsOf(click);
      });
      counts[what] = count(all);
      texts[what] = all.map((text) => text.slice(0, 160));
      console.log(`  ${what}: ${inAll[what]} statements, ${JSON.stringify(counts[what])}`);
    }
  }
  const of = (dependents: number) =>
    KINDS.map((kind) => counts[`${kind} with ${dependents} dependents`]);
  const most = (kind: 'reads' | 'writes', phase: Phase) =>
    Math.max(...of(10).map((one) => one?.[phase][kind] ?? 0));
  const apart = phases.filter((phase) => phase !== 'verification');
  const [toPlan = 0, underClaims = 0, within = 0] = apart.map((phase) => most('reads', phase));
  const writes = most('writes', 'transaction');
  const click = Math.max(...KINDS.map((kind) => inAll[`${kind} with 10 dependents`] ?? 0));
  const isSame = isDeepStrictEqual(of(10), of(50));
  return {
    counts: { counts, inAll, texts },
    goals: [
      {
        goal: 'a transfer of one row with 10 dependents, catalogue tables there: 2 reads and 2 writes in the transaction, 2 reads under the claims, 4 to plan',
        measured: `${within} reads and ${writes} writes, ${underClaims} under the claims, ${toPlan} to plan`,
        isMet: within <= 2 && writes <= 2 && underClaims <= 2 && toPlan <= 4,
      },
      {
        goal: 'its click: at most 45 statements on both servers',
        measured: `${click}, beside those that begin and end transactions`,
        isMet: click <= 45,
      },
      {
        goal: 'the same number of statements of every kind with 50 dependents as with 10',
        measured: isSame ? 'the same' : 'not the same: bench/results/small-transfer.json has them',
        isMet: isSame,
      },
    ],
  };
}

async function rowWith(here: App, kind: (typeof KINDS)[number], dependents: number) {
  const business = await add(here, 'business');
  const id = kind === 'task' ? await add(here, 'task', { business }) : business;
  if (kind === 'task') await transfer(here, [{ entity: 'business', id: business }]);
  for (const one of range(dependents)) {
    if (kind === 'task') await add(here, 'order_receipt', { task: id });
    else await add(here, 'external_tool', { business, name: `Calendar ${one}` });
  }
  return { entity: kind, id };
}

async function clickFor(here: App, key: { entity: string; id: number }) {
  const { selection, plan } = await sheet(here, [key]);
  const click = { planHash: plan.hash, idempotencyKey: uuid(), name: '', reason: 'Checked' };
  return () => send(routeFrom(here), selection, { ...click, person: pm.email });
}

const catalogue = new RegExp(
  `(from|into|update|join) \`?(${catalogTables().mysql.join('|')})\\b`,
  'i',
);

/**
 * Counts the statements of each phase of a transfer. The first transaction at the destination claims the rows (marks
 * them as being written), and the second writes them.
 */
function count(texts: string[]): Counts {
  const none = () => ({ reads: 0, writes: 0 });
  const counts: Counts = {
    plan: none(),
    'look again': none(),
    transaction: none(),
    verification: none(),
    others: {},
  };
  let phase: Phase = 'plan';
  let begun = 0;
  for (const text of texts) {
    if (/^start transaction/i.test(text)) {
      begun += 1;
      phase = begun === 1 ? 'look again' : 'transaction';
    } else if (/^commit/i.test(text) && begun === 2) phase = 'verification';
    const other = otherKindOf(text);
    if (other) counts.others[other] = (counts.others[other] ?? 0) + 1;
    else counts[phase][/^\(?select/i.test(text) ? 'reads' : 'writes'] += 1;
  }
  return counts;
}

function otherKindOf(text: string): string | null {
  if (/information_schema/i.test(text)) return 'metadata';
  if (/^(start|commit|set|rollback|begin|savepoint)/i.test(text)) return 'commands';
  if (/where false for update$/i.test(text)) return 'table locks';
  if (/\bclaim\b/i.test(text)) return 'claims';
  if (/\bclock\b/i.test(text)) return 'clock';
  return catalogue.test(text) ? null : 'states, arrivals, mappings';
}
