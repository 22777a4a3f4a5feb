import { Closed } from '../problems.ts';
import { readVersion } from '../version/metadata.ts';
import { rung } from './rules.ts';
import type { Stop } from './environment.ts';

/**
 * A checkpoint of long work: nothing is begun where a database is being updated.
 * @throws Closed, after which a job is tried again
 */
export async function refuseWhileUpdating(...stops: Stop[]) {
  for (const { documents, name } of stops) {
    if ((await readVersion(documents))?.isUpdating) {
      throw new Closed(`The database of ${rung(name).inText} is being updated.`);
    }
  }
}
