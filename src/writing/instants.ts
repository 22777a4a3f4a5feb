// The instants of a write, drawn under the clock line. Each is later than what an app may know of its row,
// document or tombstone. One that is ahead of the clock is outrun by its own row only.
import { keyText, type RowKey } from '../catalog/entity.ts';
import type { StoredDocument } from '../rows/mongo.ts';
import { horizonOf, type Clock } from '../state/clock.ts';

/** The last instant that MySQL stores. */
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/** An instant that was ahead of the clock; `isLast`: no later one can be stored. */
export type Ahead = { instant: string; isLast: boolean };

export class Instants {
  /** Later than the clock, and than all that is not ahead of it. */
  readonly start: string;
  /** The last one that was given out; the clock ends here. */
  end: string;
  private readonly horizon: number;
  private readonly former: Map<string, number>;

  constructor(clock: Clock, former: Map<string, number>) {
    this.horizon = horizonOf(clock);
    this.former = former;
    const believed = [...former.values()].filter((instant) => instant <= this.horizon);
    const after = [Date.parse(clock.instant), ...believed].map((instant) => instant + 1);
    this.start = new Date(latest([Date.parse(clock.now), ...after])).toISOString();
    this.end = this.start;
  }

  /** The shared instant, or a later one for a row that was ahead. */
  of(key: RowKey): string {
    return this.later(key) ?? this.start;
  }

  /** An instant of its own, later than all that were given out before. */
  next(): string {
    this.end = new Date(Date.parse(this.end) + 1).toISOString();
    return this.end;
  }

  /** The same for a document, later than its former instant. */
  nextOf(key: RowKey): string {
    const own = this.next();
    return this.later(key) ?? own;
  }

  /** Whether a row was ahead of the clock. */
  aheadOf(key: RowKey): Ahead | null {
    const former = this.former.get(keyText(key));
    if (former === undefined || former <= this.horizon) return null;
    return { instant: new Date(former).toISOString(), isLast: former >= LAST };
  }

  private later(key: RowKey): string | null {
    const ahead = this.aheadOf(key);
    return ahead && !ahead.isLast ? new Date(Date.parse(ahead.instant) + 1).toISOString() : null;
  }
}

/** Not Math.max(...all): thousands of arguments overflow the stack. */
const latest = (all: number[]) => all.reduce((one, other) => Math.max(one, other));

/** What apps may know of each row, in milliseconds: an instant of a foreign program that is none counts as never. */
export function formerInstants(known: Iterable<[key: string, instants: (string | number)[]]>) {
  const found = new Map<string, number>();
  for (const [key, instants] of known) {
    const valid = instants
      .map((instant) => (typeof instant === 'number' ? instant : Date.parse(instant)))
      .filter(Number.isFinite);
    if (valid.length > 0) found.set(key, latest([found.get(key) ?? 0, ...valid]));
  }
  return found;
}

/** The instants of documents, and of the stubs of removed ones. */
export const instantsOfDocuments = (
  stored: Map<string, StoredDocument>,
): [key: string, instants: number[]][] =>
  [...stored].map(([key, { modified_at: modified, removed_at: removed }]) => [
    key,
    [modified, removed].flatMap((one) => (one instanceof Date ? [one.getTime()] : [])),
  ]);
