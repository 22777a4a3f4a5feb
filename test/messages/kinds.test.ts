// The table of kinds of message in docs/messages.md must agree with the list in src/messages/kinds.ts.
import { expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { messageKinds } from '../../src/messages/kinds.ts';
import { namedRows } from '../../src/messages/notify-once.ts';

test('docs/messages.md lists for each kind of message what has happened, who gets it, and whether it is sent by e-mail', () => {
  const cellsOf = (line: string) => line.split('|').map((cell) => cell.trim());
  const documented = readFileSync('docs/messages.md', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, kind = '', ...cells] = cellsOf(line);
      return /^`.+\..+`$/.test(kind) ? [[kind, ...cells.slice(0, 3)].join(' | ')] : [];
    });
  const known = messageKinds.map(([kind, { what, who, email }]) =>
    [`\`${kind}\``, what, who, email].join(' | '),
  );
  expect(documented).toEqual(known);
});

test('a message names the first three rows, shortens long titles and counts the other rows', () => {
  expect(namedRows({ count: 1, titles: ['Quiz'] })).toBe('“Quiz”');
  expect(namedRows({ count: 2, titles: ['Quiz', 'Poll'] })).toBe('“Quiz” and “Poll”');
  expect(namedRows({ count: 500, titles: ['A', 'B', 'C', 'D'] })).toBe(
    '“A”, “B”, “C” and 497 more',
  );
  expect(namedRows({ count: 1, titles: ['🙂'.repeat(100)] })).toBe(`“${'🙂'.repeat(79)}…”`);
});
