// Pairs of rows for a takeover, in which the destination sends a row and this environment receives it. The rows are
// compared as for a transfer, with the same bases. Then both sides of each pair are exchanged.
import { hashOf } from '../catalog/content.ts';
import { linkedNamesOf, type Row, type RowKey } from '../catalog/entity.ts';
import { comparePairs, type RowPair } from '../comparison/compare-pairs.ts';
import { recordObservations } from '../comparison/record-observations.ts';
import type { Databases, Environment } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import {
  namesInRow,
  nameThere,
  reversed,
  withMappedNames,
  type Mappings,
} from '../state/name-mapping.ts';
import { readStates, type RowState } from '../state/row-state.ts';
import { mirrored } from '../state/status.ts';

type Sides = { here: Environment; there: Databases; mappings: Mappings };

/**
 * Compares rows and their dependent rows as for a transfer, and exchanges `here` and `there` in each pair. Linked
 * cities and partners get the names that this environment uses for them.
 */
export async function pairsToTakeOver(
  { here, there, mappings }: Sides,
  keys: RowKey[],
): Promise<Map<string, RowPair>> {
  const at = new Date().toISOString();
  const pairs = await comparePairs(here, there, keys, { mappings });
  await recordObservations(here, pairs.values(), at);
  const all = [...pairs.values()].map(({ key }) => key);
  const states = await readStates(there.sql, all);
  // The compared rows have the destination’s names of cities and partners. If a name is mapped, the rows here are read
  // again to get the names that this environment uses.
  const own = mappings.size > 0 ? await read(here, all) : null;
  return new Map(
    [...pairs].map(([text, pair]) => {
      const row = own ? (own.get(text) ?? null) : pair.here;
      return [text, exchanged(pair, row, { mappings, state: states.get(text) })];
    }),
  );
}

function exchanged(
  pair: RowPair,
  own: Row | null,
  { mappings, state }: { mappings: Mappings; state: RowState | undefined },
): RowPair {
  const { entity, there, status, destinationState: stop } = pair;
  const names = new Map([...reversed(mappings), ...(own ? namesInRow(entity, own, mappings) : [])]);
  const taken = there && withMappedNames(entity, there, names);
  const base = baseInNames(pair, names);
  return {
    ...pair,
    here: taken,
    there: own,
    hereHash: taken && hashOf(entity, taken),
    thereHash: own && hashOf(entity, own),
    state,
    // A takeover writes nothing at the destination, so it cannot send undone content again. If nobody has the content of
    // the base, its hash stays the one with the names that the destination uses.
    destinationState: stop && {
      ...stop,
      base_hash: base ? hashOf(entity, base) : stop.base_hash,
      undone_hash: null,
    },
    base,
    status: status && mirrored[status],
    otherHere: linkedNamesOf(entity, there).filter(
      ({ entity: kind, name }) => nameThere(mappings, kind, nameThere(names, kind, name)) !== name,
    ),
  };
}

/** Returns the base of a row with the names of cities and partners that this environment uses. */
const baseInNames = ({ entity, key, base }: RowPair, names: Mappings): Row | null =>
  base && withMappedNames(entity, { ...base, id: key.id, modified_at: '' }, names);
