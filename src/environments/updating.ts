import { Closed } from '../problems.ts';
import { readVersion } from '../version/metadata.ts';
import type { Environment } from './environment.ts';

/**
 * Throws while the database of one of these environments is being migrated to another version. Long work, such as
 * copying rows from production, calls this function between its parts.
 * @throws Closed; the job is then tried again later
 */
export async function refuseWhileUpdating(...stops: Environment[]) {
  for (const { documents, rules } of stops) {
    if ((await readVersion(documents))?.isUpdating) {
      throw new Closed(`The database of ${rules.inText} is being updated.`);
    }
  }
}
