// The layers of settings: the environment of the program, below it the file .env of this machine, below that the
// defaults of all.
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

type Variables = Record<string, string | undefined>;

/** The defaults in config/defaults.env. */
export const defaults: Variables = parseEnv(
  readFileSync(new URL('../config/defaults.env', import.meta.url), 'utf8'),
);

/** Puts the defaults below variables. An empty variable that has a default counts as not set. */
export const withDefaults = (variables: Variables): Variables => above(defaults, variables);

const above = (below: Variables, variables: Variables): Variables => {
  const found: Variables = { ...below };
  for (const [name, value] of Object.entries(variables)) {
    if (value || (value === '' && !below[name])) found[name] = value;
  }
  return found;
};

/**
 * Puts the file .env in the folder where the program starts below its environment; ENV_FILE names another file, which
 * must exist. `otherwise`: what a program sets by itself where neither does.
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
