// Writes the table of docs/measurements.md from bench/results: `node bench/table.ts`.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { saved } from './support/results.ts';
import { benches } from './benches.ts';

const PAGE = 'docs/measurements.md';
const [BEGIN, END] = ['<!-- bench -->', '<!-- /bench -->'];

export function writeTable() {
  const order = Object.keys(benches);
  const results = saved().toSorted(
    (one, other) => order.indexOf(one.bench) - order.indexOf(other.bench),
  );
  const lines = results.flatMap(({ goals }) =>
    goals.map(({ goal, state = '–', measured, isMet }) => [
      goal,
      state,
      measured,
      isMet ? 'yes' : 'no',
    ]),
  );
  const table = inColumns([['goal', 'cold or warm', 'measured', 'reached'], ...lines]);
  const text = readFileSync(PAGE, 'utf8');
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from === -1 || to === -1) {
    console.log(`${PAGE} has no ${BEGIN} … ${END}: the table is only printed.\n${table}`);
  } else {
    const around = [text.slice(0, from + BEGIN.length), text.slice(to)];
    writeFileSync(PAGE, around.join(`\n\n${table}\n\n`));
  }
}

function inColumns(lines: string[][]): string {
  const widths = (lines[0] ?? []).map((_cell, at) =>
    Math.max(...lines.map((line) => line[at]?.length ?? 0)),
  );
  const row = (cells: string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const [head = [], ...rest] = lines;
  return [row(head), row(widths.map((width) => '-'.repeat(width))), ...rest.map(row)].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeTable();
