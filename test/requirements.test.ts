// Checks that test titles name every requirement of docs/requirements.md, and only numbers that exist there. Statements
// that are marked only as samples, open questions, ambiguous or out of scope need no test.
import { expect, test } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const statements = [
  ...readFileSync('docs/requirements.md', 'utf8').matchAll(
    /^- ((?:S0|S1|S2|S3|S4|J)-\w+) (\[[^ ]+\])?/gm,
  ),
].map(([, number = '', tags = '']) => ({
  number,
  isSaid: !/\[[SAQN]\]/.test(tags) || /\[[RF]\]/.test(tags),
}));

const named = new Set(
  readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && file !== 'requirements.test.ts')
    .flatMap(
      (file) =>
        readFileSync(join('test', file), 'utf8').match(/\b(?:S0|S1|S2|S3|S4|J)-\d+b?/g) ?? [],
    ),
);

test('every requirement of the specification is named in a test title', () => {
  const count = statements.filter(({ number }) => named.has(number)).length;
  process.stdout.write(`${count} of ${statements.length} statements are named by a test\n`);
  const missing = statements
    .filter(({ number, isSaid }) => isSaid && !named.has(number))
    .map(({ number }) => number);
  expect(missing).toEqual([]);
});

test('test titles name only requirements that exist', () => {
  const known = new Set(statements.map(({ number }) => number));
  expect([...named].filter((number) => !known.has(number))).toEqual([]);
});
