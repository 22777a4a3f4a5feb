// Records what a comparison of single rows has shown of the destination.
import type { Pool, PoolConnection } from 'mysql2/promise';
import type { RowKey } from '../catalog/entity.ts';
import type { Databases } from '../environments/environment.ts';
import { newObservation, writeObservations } from '../state/observations.ts';
import { addLines } from '../state/untouched.ts';
import type { RowPair } from './compare-pairs.ts';

/**
 * Records what these pairs showed of the destination at the time `at`. The content of a row that is equal on both sides
 * is recorded as its base (the content at which both sides were last equal).
 */
export async function recordObservations(
  here: Databases & { sql: Pool | PoolConnection },
  pairs: Iterable<RowPair>,
  at: string,
) {
  const untouched: RowKey[] = [];
  const news = [...pairs].flatMap(
    ({
      key,
      entity,
      here: row,
      there,
      hereHash,
      thereHash: seen,
      state,
      destinationState: stop,
    }) => {
      if (entity.isMatchedByName) return [];
      const isEqual = there !== null && hereHash === seen;
      const one = newObservation(key, { there, seen, isEqual }, stop);
      if (one && row && !state) untouched.push(key);
      return one ?? [];
    },
  );
  await addLines(here, untouched);
  await writeObservations(here.sql, news, at);
}
