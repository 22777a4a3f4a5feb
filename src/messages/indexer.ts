// Notifies the search indexer which rows of which environment were written or deleted.
import type { Queryable } from '../database/sql.ts';
import { publish } from './messages.ts';

type RowKey = { entity: string; id: number };

export type RowChanges = {
  environment: string;
  transfer: string;
  number: number;
  kind: string;
  name: string;
  written: RowKey[];
  removed: RowKey[];
};

/** Adds a notification for the search indexer to the outbox; does nothing when no row changed. */
export async function notifyIndexer(on: Queryable, changes: RowChanges) {
  const { environment, kind, transfer, number, name, written, removed } = changes;
  if (written.length + removed.length === 0) return;
  await publish(on, {
    event: 'rows.changed',
    to: 'indexer',
    subject: name,
    transfer,
    payload: {
      environment,
      kind,
      transfer: { id: transfer, number, name },
      changed: idsByEntity(written),
      removed: idsByEntity(removed),
    },
  });
}

const idsByEntity = (keys: RowKey[]) =>
  Object.fromEntries(
    [...Map.groupBy(keys, ({ entity }) => entity)].map(([entity, own]) => [
      entity,
      own.map(({ id }) => id).toSorted((one, other) => one - other),
    ]),
  );
