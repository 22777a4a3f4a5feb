import type { Ground } from './support/ground.ts';
import type { Found } from './support/results.ts';
import { accountMoves } from './account-moves.ts';
import { accountMovesMemory } from './account-moves-memory.ts';
import { compare } from './compare.ts';
import { datasetsBench } from './datasets.ts';
import { datasetsApi } from './datasets-api.ts';
import { datasetsReading } from './datasets-reading.ts';
import { refreshBench } from './refresh.ts';
import { forms } from './forms.ts';
import { list } from './list.ts';
import { memory } from './memory.ts';
import { pages } from './pages.ts';
import { staging } from './staging.ts';
import { stagingMemory } from './staging-memory.ts';
import { smallTransfer } from './small-transfer.ts';
import { transfer10000 } from './transfer-10000.ts';

/** Every benchmark by its name, in the order of the table in docs/measurements.md. */
export const benches: Record<string, (ground: Ground) => Promise<Found>> = {
  'small-transfer': smallTransfer,
  'transfer-10000': transfer10000,
  refresh: refreshBench,
  compare,
  forms,
  memory,
  list,
  pages,
  staging,
  'staging-memory': stagingMemory,
  'datasets-reading': datasetsReading,
  datasets: datasetsBench,
  'datasets-api': datasetsApi,
  'account-moves': accountMoves,
  'account-moves-memory': accountMovesMemory,
};
