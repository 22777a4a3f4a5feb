// Starts moto (from PyPI), a server with the API of DynamoDB. The code that reads accounts from DynamoDB is tested with
// moto as well as with dynalite, which all other tests use.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../bin/programs.ts';
import { surroundings } from './left-behind.ts';
import { pythonWith } from './python.ts';

export type Moto = { url: string; close(): Promise<void> };

export async function startMoto(): Promise<Moto> {
  const packages = ['moto[dynamodb]==5.2.5', 'flask==3.1.2', 'flask-cors==6.0.1'];
  const python = pythonWith('moto', packages);
  const port = await freePort();
  const child = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    env: surroundings(),
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/moto-api/`).catch(() => null))?.ok) {
    if (child.exitCode !== null) throw new Error('moto did not start: remove the folder var/moto');
    await sleep(50);
  }
  return {
    url,
    close: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
