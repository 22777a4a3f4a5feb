// Scopes are strings that say what an API key may do. `catalog:task` allows access to one entity (kind of row),
// `catalog:*` to everything below `catalog`, and `dataset:city/*` to everything below `dataset:city/`.
import { z } from 'zod';
import { Problem } from '../problems.ts';

const NAME = '[a-z0-9][\\w.-]*';
const SCOPE = new RegExp(`^[a-z][a-z0-9_-]*(:${NAME}(/${NAME})?)*(:(${NAME}/)?\\*)?$`, 'i');

export const scopeSchema = z
  .string()
  .max(120)
  .regex(SCOPE, 'must be a scope such as catalog:task, catalog:* or dataset:organisation/name');

/** The scope for starting and following account migrations; `catalog:*` does not include it. */
export const ACCOUNT_MOVES = 'account-moves';

/**
 * Whether one of the granted scopes includes the needed scope. `catalog:*` includes `catalog:task`
 * and `catalog:task:read`, but not `catalog` and not `catalogue:task`.
 */
export const covers = (granted: readonly string[], needed: string): boolean =>
  granted.some(
    (one) => one === needed || (/[:/]\*$/.test(one) && needed.startsWith(one.slice(0, -1))),
  );

/** The error for a valid key whose scopes do not include the requested one. */
export class LacksScope extends Problem {
  readonly scope: string;

  constructor(scope: string) {
    super(403, `This key lacks the scope ${scope}.`);
    this.scope = scope;
  }
}

/**
 * Checks that a key has a scope.
 * @throws LacksScope, which names the missing scope
 */
export function needScope({ scopes }: { scopes: readonly string[] }, needed: string) {
  if (!covers(scopes, needed)) throw new LacksScope(needed);
}
