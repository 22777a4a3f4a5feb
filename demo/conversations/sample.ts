// The accounts of the demo. They are the same at every start of a demo, so that a second run finds nothing new.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Wanted } from './records.ts';

type Sample = Partial<Wanted> & { id: string };

/** Accounts whose newest message has this time. */
export const sampleAccounts = (newest: Date): Sample[] =>
  [
    // Long enough to watch its inbox fill, and with records that are hard to read.
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

/** The time of the newest messages: that of the first start, which is kept in a file. */
export function timeOfFirstStart(file: string): Date {
  if (!existsSync(file)) writeFileSync(file, new Date().toISOString());
  return new Date(readFileSync(file, 'utf8'));
}
