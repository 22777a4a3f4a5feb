// A process of its own that transfers rows and kills (or stops) itself at a named point, the n-th time it
// gets there. argv: variables (JSON), keys (JSON), point, n, signal
import { openHere } from '../../src/environments/here.ts';
import { points } from '../../src/journal/points.ts';
import { parseSettings } from '../../src/settings.ts';
import { transfer } from './rows.ts';

const [, , variables = '{}', keys = '[]', name = '', times = '1', signal = 'SIGKILL'] =
  process.argv;
const here = openHere(parseSettings(JSON.parse(variables) as Record<string, string>));
let left = Number(times);
points.reached = (reached) => {
  if (name !== 'any' && reached !== name) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, signal);
};
await transfer(here, JSON.parse(keys) as { entity: string; id: number }[]);
process.exit(0);
