// Seals the secrets in a saved form: encrypts each secret for the environment that will store it. So the person need
// not type the secret again, and no secret is stored in clear text.
import { sealSecrets } from '../access/secret-fields.ts';
import { timeouts } from '../database/timeouts.ts';
import { inTime } from '../in-time.ts';
import type { Entity } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { secretsOf } from '../catalog/secret.ts';
import type { App } from '../environments/app.ts';
import type { Environment } from '../environments/environment.ts';
import type { Entry } from './form/form.ts';

/**
 * Returns the entries of a form with encrypted secrets in `saved`. `unsealed` lists the secret
 * fields that could not be encrypted and are left out.
 */
export async function withSealedSecrets(here: App, path: string, entries: readonly Entry[]) {
  const saved: [string, string][] = [];
  const unsealed: string[] = [];
  for (const [field, text] of entries) {
    const secret = text.trim() === '' ? null : secretIn(here, path, field);
    const kept = secret === null ? text : await sealedText(secret, text.trim());
    if (kept === null) unsealed.push(field);
    else saved.push([field, kept]);
  }
  return { saved, unsealed };
}

type Secret = { place: Environment | null; entity: Entity; name: string };

/**
 * Returns the secret field to which a posted name belongs; null if the name belongs to no secret. A
 * row form contains secrets of this environment, and those of dependent rows have names such as
 * `external_tool.5.key`. A transfer sheet contains secrets of the destination, with names such as
 * `local[external_tool:5][key]`.
 */
function secretIn(here: App, path: string, field: string): Secret | null {
  const [, ofRow = ''] = /^\/catalog\/(\w+)(?:\/\d+)?$/.exec(path) ?? [];
  const [, ofChild = '', nameInChild = field] = /^(\w+)\.n?\d+\.(\w+)$/.exec(field) ?? [];
  const [, ofSheet = '', name = nameInChild] = /^local\[(\w+):\d+\]\[(\w+)\]$/.exec(field) ?? [];
  const entity = catalog.find((one) => one.name === (ofSheet || ofChild || ofRow));
  if (!entity || !secretsOf(entity).includes(name)) return null;
  const isForHere = ofSheet === '' || /^\/(?:restores|takeovers)\b/.test(path);
  return { place: isForHere ? here : here.destination, entity, name };
}

/**
 * Encrypts a secret for the environment that will store it. Returns null if that environment does
 * not respond in time, which may also be why the form was not processed.
 */
async function sealedText({ place, entity, name }: Secret, text: string): Promise<string | null> {
  if (place === null) return null;
  const sealing = sealSecrets(place, entity, { [name]: text }, null);
  const content = await inTime(timeouts.page, sealing).catch(() => null);
  const sealed = content?.[name];
  return typeof sealed === 'string' ? sealed : null;
}
