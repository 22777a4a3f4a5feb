// Secrets in a form that is saved until its sender has signed in again are sealed, so that nothing typed is lost and
// nothing is stored in clear text.
import { sealSecrets } from '../access/secret-fields.ts';
import { timeouts } from '../database/timeouts.ts';
import { inTime } from '../in-time.ts';
import { catalog } from '../catalog/index.ts';
import { secretsOf } from '../catalog/secret.ts';
import type { App } from '../environments/app.ts';
import type { Entry } from './form/form.ts';

/**
 * Row forms of this environment seal their secrets; those typed on a transfer sheet belong to the destination and are
 * left out.
 */
export async function withSealedSecrets(
  here: App,
  path: string,
  entries: readonly Entry[],
): Promise<[string, string][]> {
  const [, name = ''] = /^\/catalog\/(\w+)(?:\/\d+)?$/.exec(path) ?? [];
  const entity = catalog.find((one) => one.name === name);
  const own = entity ? secretsOf(entity) : [];
  const saved: [string, string][] = [];
  for (const [field, text] of entries) {
    if (isSecretOfSheet(field) && text !== '') continue;
    if (!entity || !own.includes(field) || text.trim() === '') {
      saved.push([field, text]);
    } else {
      const sealing = sealSecrets(here, entity, { [field]: text.trim() }, null);
      // The form may have failed because the database is down.
      const content = await inTime(timeouts.page, sealing).catch(() => null);
      const sealed = content?.[field];
      if (typeof sealed === 'string') saved.push([field, sealed]);
    }
  }
  return saved;
}

/** The input of a secret on a sheet: `local[external_tool:5][key]` */
function isSecretOfSheet(field: string): boolean {
  const [, type = '', name = ''] = /^local\[(\w+):\d+\]\[(\w+)\]$/.exec(field) ?? [];
  const entity = catalog.find((one) => one.name === type);
  return entity !== undefined && secretsOf(entity).includes(name);
}
