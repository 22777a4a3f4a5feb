// Seals (encrypts for the destination) the secrets typed on a transfer sheet, before its choices are saved.
import type { Request } from 'express';
import { sealSecrets } from '../access/secret-fields.ts';
import { keyFrom, labelOf } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { textOf } from '../catalog/fields.ts';
import { secretsOf } from '../catalog/secret.ts';
import type { Environment } from '../environments/environment.ts';
import { Invalid } from '../problems.ts';
import type { Choices } from './choices.ts';
import { postedChoices } from './posted-choices.ts';
import { routeOf } from './route.ts';
import type { SavedChoices, Selection, SelectionKind } from './selections.ts';

export async function sealedChoices(
  req: Request,
  kind: SelectionKind,
  selection: Selection,
): Promise<SavedChoices> {
  const posted = postedChoices(req.form, selection);
  const { locals } = posted.choices;
  if (Object.keys(locals).length === 0) return posted;
  const { to } = routeOf(req, kind);
  const sealed = await sealedLocals(to, locals, selection.choices.locals);
  return { ...posted, choices: { ...posted.choices, locals: sealed } };
}

/**
 * Seals the secrets that a user typed for environment-specific fields.
 * @throws Invalid for an invalid secret, or for a secret that the destination cannot store
 */
async function sealedLocals(
  there: Environment,
  typed: Choices['locals'],
  saved: Choices['locals'],
): Promise<Choices['locals']> {
  const sealed: Choices['locals'] = {};
  for (const [key, values] of Object.entries(typed)) {
    const own: Record<string, string> = { ...values };
    sealed[key] = own;
    const entity = catalog.find(({ name }) => name === keyFrom(key).entity);
    if (!entity) continue;
    for (const name of secretsOf(entity)) {
      const text = values[name];
      if (text === undefined) continue;
      const { data, error } =
        entity.fields[name]?.schema(labelOf(entity, name)).safeParse(text) ?? {};
      if (error) throw new Invalid({ [name]: error.issues[0]?.message ?? 'does not fit' });
      const former = { [name]: saved[key]?.[name] ?? null };
      const content = await sealSecrets(there, entity, { [name]: data ?? null }, former);
      own[name] = textOf(content[name]);
    }
  }
  return sealed;
}
