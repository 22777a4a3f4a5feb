// Runs the benchmarks and the peers (programs that people would use instead of Oneway) in the same run. A missed goal
// does not make the run fail. `npm run bench` runs all benchmarks, `npm run bench -- compare list` runs these two, and
// `--rows=100000` sets the size of the benchmarks that can be resized. The results are stored in bench/results, and the
// table in docs/measurements.md is written from them.
import { chosen } from './support/arguments.ts';
import { installPeers } from './support/peers.ts';
import { openGround, type Ground } from './support/ground.ts';
import { machine, save, type Found } from './support/results.ts';
import { writeTable } from './table.ts';
import { benches } from './benches.ts';

const unknown = chosen.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(
    `No such bench: ${unknown.join(', ')}. There are ${Object.keys(benches).join(', ')}.`,
  );
  process.exit(1);
}
// bin/run-node set this for the program alone, which has read it at its start. The servers and the peers run without it.
delete process.env['MALLOC_ARENA_MAX'];
installPeers();
let ground: Ground | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void ground?.stop().then(() => process.exit(1)));
}
for (const name of chosen.length > 0 ? chosen : Object.keys(benches)) {
  console.log(name);
  // Each benchmark gets new servers, so that data of earlier benchmarks does not slow it down.
  ground = await openGround();
  try {
    const found = await (benches[name] as (ground: Ground) => Promise<Found>)(ground);
    save(name, await machine(ground.lower.ask), found);
    for (const { goal, measured, isMet } of found.goals) {
      console.log(`  ${isMet ? 'met   ' : 'missed'} ${goal}: ${measured}`);
    }
  } finally {
    await ground.stop();
  }
}
writeTable();
