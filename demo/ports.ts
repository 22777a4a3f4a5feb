// The ports of the demo’s servers.
import { connect } from 'node:net';
import { CannotStart } from '../bin/programs.ts';

/** Returns the ports of the web servers of the three environments: the given port and the two ports after it. */
export function portsFrom(first: string): number[] {
  const port = Number(first);
  if (!Number.isInteger(port) || port < 1 || port > 65_526) {
    throw new CannotStart(`DEMO_PORT=${first} is not a port. Try DEMO_PORT=4001.`);
  }
  return [port, port + 1, port + 2];
}

/**
 * Checks that a port is free.
 * @throws CannotStart when it is in use
 */
export async function refuseTaken(port: number) {
  const isTaken = await new Promise<boolean>((resolve) => {
    const probe = connect(port, '127.0.0.1');
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (isTaken) {
    throw new CannotStart(
      `Port ${port} is in use. Stop what uses it, or try DEMO_PORT=${port + 1000}.`,
    );
  }
}
