// Installs Python packages from PyPI into a folder of the project, for benchmarks and for tests with independent
// programs.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * Returns the path of a Python program that has the packages, such as `mohawk==1.1.0`.
 * @throws an error with the command that installs the packages by hand
 */
export function pythonWith(folder: string, packages: string[]): string {
  const venv = resolve('var', folder);
  const python = resolve(venv, 'bin/python');
  const done = resolve(venv, 'pyvenv.cfg.done');
  if (!existsSync(done)) {
    rmSync(venv, { recursive: true, force: true });
    const commands = [
      ['python3', '-m', 'venv', venv],
      [resolve(venv, 'bin/pip'), 'install', '-q', ...packages],
      ['touch', done],
    ];
    const isMade = commands.every(
      ([program = '', ...words]) => spawnSync(program, words).status === 0,
    );
    if (!isMade) {
      throw new Error(
        `Python packages are missing: python3 -m venv var/${folder} && var/${folder}/bin/pip install ${packages.join(' ')} && touch var/${folder}/pyvenv.cfg.done`,
      );
    }
  }
  return python;
}
