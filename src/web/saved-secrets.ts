// Secrets in a form that is saved until its sender has signed in again: sealed, so that nothing typed is lost and none
// of it is stored in clear.
import { sealSecrets } from '../access/secret-fields.ts';
import { timeouts } from '../database/timeouts.ts';
import { inTime } from '../in-time.ts';
import { catalog } from '../catalog/index.ts';
import { secretsOf } from '../catalog/secret.ts';
import type { App } from '../environments/app.ts';
import type { Entry } from './form/form.ts';

/** A row's form of this environment seals its secrets; those on a sheet are the destination's and are left out. */
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
      // The database may be what the form failed of.
      const content = await inTime(timeouts.page, sealing).catch(() => null);
      const sealed = content?.[field];
      if (typeof sealed === 'string') saved.push([field, sealed]);
    }
  }
  return saved;
}

/** `local[external_tool:5][key]` */
function isSecretOfSheet(field: string): boolean {
  const [, type = '', name = ''] = /^local\[(\w+):\d+\]\[(\w+)\]$/.exec(field) ?? [];
  const entity = catalog.find((one) => one.name === type);
  return entity !== undefined && secretsOf(entity).includes(name);
}
