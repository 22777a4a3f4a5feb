// The README's table, from bench/results: `node bench/table.ts`.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { saved } from './support/results.ts';
import { benches } from './benches.ts';

const README = 'README.md';
const [BEGIN, END] = ['<!-- bench -->', '<!-- /bench -->'];

export function writeTable() {
  const order = Object.keys(benches);
  const results = saved().toSorted(
    (one, other) => order.indexOf(one.bench) - order.indexOf(other.bench),
  );
  const lines = results.flatMap(({ goals }) =>
    goals.map(({ goal, measured, isMet }) => `| ${goal} | ${measured} | ${isMet ? 'yes' : 'no'} |`),
  );
  const table = ['| goal | measured | reached |', '| --- | --- | --- |', ...lines].join('\n');
  const text = readFileSync(README, 'utf8');
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from === -1 || to === -1) {
    console.log(`${README} has no ${BEGIN} … ${END}: the table is only printed.\n${table}`);
  } else {
    const around = [text.slice(0, from + BEGIN.length), text.slice(to)];
    writeFileSync(README, around.join(`\n\n${table}\n\n`));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeTable();
