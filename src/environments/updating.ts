import { Closed } from '../problems.ts';
import { readVersion } from '../version/metadata.ts';
import { rulesOf } from './rules.ts';
import type { Environment } from './environment.ts';

/**
 * A checkpoint of long work: nothing is begun where a database is being updated.
 * @throws Closed, after which a job is tried again
 */
export async function refuseWhileUpdating(...stops: Environment[]) {
  for (const { documents, name } of stops) {
    if ((await readVersion(documents))?.isUpdating) {
      throw new Closed(`The database of ${rulesOf(name).inText} is being updated.`);
    }
  }
}
