// Finds out what prevents the loading of a data file, and which command-line options remove the obstacle.
import { askText, type Examined } from '../datasets/examination.ts';
import type { Ask } from '../datasets/reading/examine.ts';
import { count } from '../web/format.ts';
import type { Acceptance } from './reading-options.ts';

/**
 * A reason why a file is not loaded. `add` lists the command-line options that remove the reason; one of them is
 * enough.
 */
export type Obstacle = { text: string; add: string[] };

/** Returns what the user must answer or accept before a file is loaded. */
export function obstaclesIn(
  { asks, counts, differing }: Examined,
  { acceptRejects, acceptColumns }: Acceptance,
): Obstacle[] {
  const obstacles = asks.map((ask) => ({ text: askText(ask), add: answersTo(ask) }));
  if (counts.rows === 0) {
    const text =
      'No line of the file becomes a row: choose another header line, delimiter or encoding.';
    obstacles.push({ text, add: ['--header none'] });
  }
  if (counts.rejects > 0 && !acceptRejects) {
    const lines = counts.rejects === 1 ? '1 line is' : `${count(counts.rejects)} lines are`;
    const text = `${lines} rejected. Accept to load the file without them, or correct the file.`;
    obstacles.push({ text, add: ['--accept-rejects'] });
  }
  if (differing.length > 0 && !acceptColumns) {
    const text = `The columns are not those of the current version: ${differing.join('; ')}.`;
    obstacles.push({ text, add: ['--accept-columns'] });
  }
  return obstacles;
}

function answersTo({ code, column, options }: Ask): string[] {
  if (code === 'encoding') return options.map((name) => `--encoding ${name}`);
  const type = code === 'dates' ? 'date' : 'numeric';
  return [...options.map((format) => `${type} ${format}`), 'text'].map(
    (answer) => `--type ${quoted(`${column}=${answer}`)}`,
  );
}

/** Quotes a word for a shell. */
const quoted = (word: string) => `'${word.replaceAll("'", String.raw`'\''`)}'`;
