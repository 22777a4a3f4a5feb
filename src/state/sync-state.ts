// The sync state of rows: what is recorded of each row here, and of the same row at the destination.
import { keyText, type RowKey } from '../catalog/entity.ts';
import type { Queryable } from '../database/sql.ts';
import { settleAll } from '../settle-all.ts';
import { readDestinationStates, type DestinationState } from './destination-state.ts';
import { readStates, type RowState } from './row-state.ts';

/** The sync state of rows that were asked for, by key text. It is read once for each row. */
export class SyncState {
  readonly states = new Map<string, RowState>();
  readonly stops = new Map<string, DestinationState>();
  private readonly asked = new Set<string>();

  /** Reads the sync state of those of these rows for which it was not read yet. `basesIn`: the database with the bases. */
  async read(here: Queryable, basesIn: Queryable, keys: RowKey[]) {
    const news: RowKey[] = [];
    for (const key of keys) {
      const text = keyText(key);
      if (!this.asked.has(text)) news.push(key);
      this.asked.add(text);
    }
    const [states, stops] = await settleAll([
      readStates(here, news),
      readDestinationStates(basesIn, news),
    ]);
    for (const [text, state] of states) this.states.set(text, state);
    for (const [text, stop] of stops) this.stops.set(text, stop);
  }
}
