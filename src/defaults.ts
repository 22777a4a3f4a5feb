// Merges the three layers of settings: environment variables override the file .env of this machine, and that file
// overrides the defaults in config/defaults.env.
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

type Variables = Record<string, string | undefined>;

/** The default values of settings, from config/defaults.env. */
export const defaults: Variables = parseEnv(
  readFileSync(new URL('../config/defaults.env', import.meta.url), 'utf8'),
);

/**
 * Adds the default of each missing variable. An empty variable that has a default counts as
 * missing.
 */
export const withDefaults = (variables: Variables): Variables => above(defaults, variables);

const above = (below: Variables, variables: Variables): Variables => {
  const found: Variables = { ...below };
  for (const [name, value] of Object.entries(variables)) {
    if (value || (value === '' && !below[name])) found[name] = value;
  }
  return found;
};

/**
 * Merges environment variables with the file .env in the current folder; environment variables
 * override the file. If the variable ENV_FILE names another file, that file must exist. `otherwise`
 * has the values of variables that neither the environment nor the file sets.
 */
export function withLocalFile(environment: Variables, otherwise: Variables = {}): Variables {
  const named = environment['ENV_FILE'];
  const file = named ?? defaults['ENV_FILE'] ?? '';
  const local = file === '' ? {} : parseEnv(textOf(file, { isNeeded: named !== undefined }));
  return above(above(otherwise, local), environment);
}

function textOf(file: string, { isNeeded }: { isNeeded: boolean }): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !isNeeded) return '';
    throw new Error(
      `${file} cannot be read (${code}): correct ENV_FILE, or the rights of the file`,
      { cause: error },
    );
  }
}
