// The sample accounts of the demo. They are the same at every start of a demo, so that a second migration run finds
// nothing new.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Wanted } from './records.ts';

type Sample = Partial<Wanted> & { id: string };

/** Returns the sample accounts. `newest`: the time of each account’s newest message. */
export const sampleAccounts = (newest: Date): Sample[] =>
  [
    // This account has enough messages to watch its inbox fill, and has records that cannot be
    // read.
    { id: 'blue-lamps', name: 'Blue Lamps', messages: 12_000, gapMs: 30 * MINUTE, isOdd: true },
    { id: 'riverside-books', name: 'Riverside Books', messages: 1200, gapMs: 90 * MINUTE },
    { id: 'nordic-tea', name: 'Nordic Tea', messages: 300 },
    { id: 'empty-shop', name: 'Empty Shop', messages: 0 },
    ...Array.from({ length: 12 }, (_one, index) => ({
      id: `shop-${String(index + 1).padStart(2, '0')}`,
      messages: 40 + 15 * index,
      gapMs: 60 * MINUTE,
    })),
  ].map((account) => ({ ...account, newest }));

const MINUTE = 60_000;

/**
 * Returns the time of the demo’s first start, which is kept in a file. The newest messages of the
 * sample accounts have this time.
 */
export function timeOfFirstStart(file: string): Date {
  if (!existsSync(file)) writeFileSync(file, new Date().toISOString());
  return new Date(readFileSync(file, 'utf8'));
}
