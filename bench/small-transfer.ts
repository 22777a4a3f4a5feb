// What a transfer of one task and one business asks the destination's MySQL for, with 0, 10 and 50 dependents.
import { add, transfer } from '../test/support/rows.ts';
import type { Here } from '../src/environments/here.ts';
import type { Ground } from './support/ground.ts';
import { heard } from './support/heard.ts';
import type { Found } from './support/results.ts';
import { range } from './support/rows.ts';

type Kind =
  'reads' | 'writes' | 'verification' | 'claims' | 'clock' | 'books' | 'commands' | 'metadata';

export async function smallTransfer({ world, upper }: Ground): Promise<Found> {
  const { staging } = world;
  const counts: Record<string, Record<Kind, number>> = {};
  const texts: Record<string, string[]> = {};
  for (const dependents of [0, 10, 50]) {
    for (const kind of ['task', 'business'] as const) {
      const key = await rowWith(staging, kind, dependents);
      const what = `${kind} with ${dependents} dependents`;
      const all = await heard(upper, () => transfer(staging, [key]));
      counts[what] = count(all);
      texts[what] = all.map((text) => text.slice(0, 200));
      console.log(`  ${what}: ${JSON.stringify(counts[what])}`);
    }
  }
  const most = (kind: Kind, of: 10 | 50) =>
    Math.max(
      ...['task', 'business'].map((one) => counts[`${one} with ${of} dependents`]?.[kind] ?? 0),
    );
  const few = JSON.stringify(
    ['task', 'business'].map((one) => counts[`${one} with 10 dependents`]),
  );
  const many = JSON.stringify(
    ['task', 'business'].map((one) => counts[`${one} with 50 dependents`]),
  );
  const [reads, writes] = [most('reads', 10), most('writes', 10)];
  return {
    counts: { counts, texts },
    goals: [
      {
        goal: "a transfer of one row with 10 dependents: at most 2 reads and 2 writes on the destination's catalogue tables",
        measured: `${reads} reads, ${writes} writes`,
        isMet: reads <= 2 && writes <= 2,
      },
      {
        goal: 'the same number of statements of every kind with 50 dependents as with 10',
        measured: few === many ? 'the same' : `${few}, then ${many}`,
        isMet: few === many,
      },
    ],
  };
}

async function rowWith(here: Here, kind: 'task' | 'business', dependents: number) {
  const business = await add(here, 'business');
  const id = kind === 'task' ? await add(here, 'task', { business }) : business;
  if (kind === 'task') await transfer(here, [{ entity: 'business', id: business }]);
  for (const one of range(dependents)) {
    if (kind === 'task') await add(here, 'order_receipt', { task: id });
    else await add(here, 'external_tool', { business, name: `Calendar ${one}` });
  }
  return { entity: kind, id };
}

const catalogue =
  /(from|into|update|join) `?(business|external_tool|task|order_receipt|sts|banner|city|partner|business_city|task_city|banner_city)\b/i;

/** Counts statements by what they are about; what is read of the catalogue after COMMIT is verification. */
function count(texts: string[]): Record<Kind, number> {
  const counts = {} as Record<Kind, number>;
  const committed = texts.findLastIndex((text) => /^insert into arrival/i.test(text));
  for (const [index, text] of texts.entries()) {
    const kind = kindOf(text, committed !== -1 && index > committed);
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function kindOf(text: string, isAfterwards: boolean): Kind {
  if (/information_schema/i.test(text)) return 'metadata';
  if (/^(start|commit|set|rollback|begin)/i.test(text)) return 'commands';
  if (/\bclaim\b/i.test(text)) return 'claims';
  if (/\bclock\b/i.test(text)) return 'clock';
  if (!catalogue.test(text)) return 'books';
  if (!/^select/i.test(text)) return 'writes';
  return isAfterwards ? 'verification' : 'reads';
}
