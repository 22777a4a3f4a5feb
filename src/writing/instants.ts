// Assigns the timestamps of written rows while the environment’s clock, a row of the table `clock`, is locked (see
// state/clock.ts). A row’s new timestamp is later than every timestamp that apps may have read for this row. A new
// timestamp lies in the future only if the row’s former timestamp did.
import { keyText, type RowKey } from '../catalog/entity.ts';
import type { StoredDocument } from '../rows/mongo.ts';
import { horizonOf, type Clock } from '../state/clock.ts';

/** The last timestamp that MySQL can store. */
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * A row’s former timestamp that lay in the future. `isLast`: whether it was the last timestamp that
 * MySQL can store.
 */
export type Ahead = { instant: string; isLast: boolean };

export class Instants {
  /**
   * The first timestamp of the write: later than the last timestamp in the environment’s clock (a row of the table
   * `clock`), and later than all former timestamps that do not lie in the future.
   */
  readonly start: string;
  /** The last assigned timestamp; the environment’s clock (a row of the table `clock`) is set to it. */
  end: string;
  /** The former timestamps that lay in the future, by key text. Mostly there are none. */
  private readonly ahead: Map<string, number>;

  constructor(clock: Clock, former: Map<string, number>) {
    const horizon = horizonOf(clock);
    this.ahead = new Map([...former].filter(([, instant]) => instant > horizon));
    const believed = [...former.values()].filter((instant) => instant <= horizon);
    const last = latest([Date.parse(clock.instant), ...believed]);
    this.start = new Date(Math.max(Date.parse(clock.now), last + 1)).toISOString();
    this.end = this.start;
  }

  /** Returns the timestamp that all rows share, or a later one for a row whose former timestamp lay in the future. */
  of(key: RowKey): string {
    return this.later(key) ?? this.start;
  }

  /** Returns a timestamp for one document, a millisecond later than all assigned before. */
  next(): string {
    this.end = new Date(Date.parse(this.end) + 1).toISOString();
    return this.end;
  }

  /**
   * Returns a timestamp for one document, later than all assigned before and later than the
   * document’s former timestamp.
   */
  nextOf(key: RowKey): string {
    const own = this.next();
    return this.later(key) ?? own;
  }

  /** Returns the former timestamp of a row if it lay in the future; null for any other row. */
  aheadOf(key: RowKey): Ahead | null {
    const former = this.ahead.size > 0 ? this.ahead.get(keyText(key)) : undefined;
    if (former === undefined) return null;
    return { instant: new Date(former).toISOString(), isLast: former >= LAST };
  }

  private later(key: RowKey): string | null {
    const ahead = this.aheadOf(key);
    return ahead && !ahead.isLast ? new Date(Date.parse(ahead.instant) + 1).toISOString() : null;
  }
}

/** reduce() instead of Math.max(...all), because thousands of arguments overflow the stack. */
const latest = (all: number[]) => all.reduce((one, other) => Math.max(one, other));

/**
 * Returns for each row the latest timestamp that apps may have read, in milliseconds since 1970, by
 * key text. Invalid timestamps, which only other programs store, are ignored.
 */
export function formerInstants(known: Iterable<[key: string, instants: (string | number)[]]>) {
  const found = new Map<string, number>();
  // Rows that were written together share their timestamp, so each text is parsed once.
  const parsed = new Map<string, number>();
  for (const [key, instants] of known) {
    for (const instant of instants) {
      const time =
        typeof instant === 'number' ? instant : (parsed.get(instant) ?? Date.parse(instant));
      if (typeof instant === 'string') parsed.set(instant, time);
      if (Number.isFinite(time)) found.set(key, Math.max(found.get(key) ?? 0, time));
    }
  }
  return found;
}

/** Returns the timestamps of stored documents, including the stubs of removed documents. */
export const instantsOfDocuments = (
  stored: Map<string, StoredDocument>,
): [key: string, instants: number[]][] =>
  [...stored].map(([key, { modified_at: modified, removed_at: removed }]) => [
    key,
    [modified, removed].flatMap((one) => (one instanceof Date ? [one.getTime()] : [])),
  ]);
