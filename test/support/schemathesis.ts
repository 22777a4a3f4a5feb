// Installs and runs Schemathesis, a fuzzer that reads an OpenAPI document, from PyPI into a folder of the project.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const VERSION = 'schemathesis==4.32.5';

/**
 * The path of the program Schemathesis.
 * @throws an error with the command that installs it by hand
 */
export function schemathesis(): string {
  const folder = resolve('var/schemathesis');
  const program = resolve(folder, 'bin/schemathesis');
  if (!existsSync(program)) {
    const isMade =
      spawnSync('python3', ['-m', 'venv', folder]).status === 0 &&
      spawnSync(resolve(folder, 'bin/pip'), ['install', '-q', VERSION]).status === 0;
    if (!isMade) {
      throw new Error(
        `The fuzzer is missing: python3 -m venv var/schemathesis && var/schemathesis/bin/pip install ${VERSION}`,
      );
    }
  }
  return program;
}
