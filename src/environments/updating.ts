import { Closed } from '../problems.ts';
import { readVersion } from '../version/metadata.ts';
import type { Environment } from './environment.ts';

/**
 * Stops long work at a checkpoint while a database is being updated.
 * @throws Closed, after which the job is retried
 */
export async function refuseWhileUpdating(...stops: Environment[]) {
  for (const { documents, rules } of stops) {
    if ((await readVersion(documents))?.isUpdating) {
      throw new Closed(`The database of ${rules.inText} is being updated.`);
    }
  }
}
