// Every exported type and every table is in the glossary, and words of former versions are banned.
import { expect, test } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const filesIn = (folder: string, ending: RegExp) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => ending.test(file))
    .map((file) => join(folder, file));
const read = (file: string) => readFileSync(file, 'utf8');

/** Names in backticks in the glossary. */
const glossary = new Set(
  [...read('docs/glossary.md').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
);

test('every exported type and class is listed in docs/glossary.md', () => {
  const missing = filesIn('src', /\.ts$/).flatMap((file) =>
    [...read(file).matchAll(/^export (?:abstract )?(?:type|class|interface) (\w+)/gm)]
      .map((match) => match[1] ?? '')
      .filter((name) => !glossary.has(name))
      .map((name) => `${name} (${file})`),
  );
  expect(missing).toEqual([]);
});

test('every database table is listed in docs/glossary.md', () => {
  const tables = new Set<string>();
  // The migrations are read in their order, because a later migration may rename or drop a table.
  for (const file of filesIn('migrations', /\.sql$/).toSorted(byNumber)) {
    for (const [, created, dropped, from, to] of read(file).matchAll(tableStatement)) {
      if (created) tables.add(created);
      for (const gone of [dropped, from]) if (gone) tables.delete(gone);
      if (to) tables.add(to);
    }
  }
  expect(tables.size).toBeGreaterThan(20);
  expect([...tables].filter((table) => !glossary.has(table))).toEqual([]);
});

const tableStatement =
  /CREATE TABLE (?:IF NOT EXISTS )?(\w+)|DROP TABLE (\w+)|RENAME TABLE (\w+) TO (\w+)/g;
const numberOf = (file: string) => Number(/(\d+)-/.exec(file)?.[1] ?? 0);
const byNumber = (one: string, other: string) => numberOf(one) - numberOf(other);

/** Words of former versions, and their replacements. */
const banned: [pattern: RegExp, instead: string][] = [
  [/\bcop(y|ies|ied)[- ]downs?\b/i, 'refresh'],
  [/\b(bring|brings|bringing|brought) back\b/i, 'restore'],
  [/\bverdicts?\b/i, 'test result'],
  [/\b(the|its|our|whose|keep|keeps) books\b/i, 'sync state'],
  [/\bstretch(es)?\b/i, 'chunk'],
  [/\bsights?\b/i, 'pair'],
  [/\bstop_states?\b|\bseen_(hash|at)\b/, 'destination_state, observed_hash, observed_at'],
  [/\b(put|puts|putting) back\b|\bputting_back\b|\bput_back\b/i, 'roll back'],
  [/\blook(s|ed|ing)? (again|once more)\b/i, 're-check, review again'],
  [/\b(took|take|takes|taken|taking) back\b/i, 'undo'],
  [/\banew\b/i, 'again, full'],
  [/\bin the way\b/i, 'problem'],
  [/\bleft alone\b|\bleave alone\b/i, 'skipped'],
  [/\ball the same\b/i, 'anyway'],
  [/\bsomebody else('s)?\b/i, 'someone else, another user, the destination'],
  [/\bneeds? a person\b/i, 'needs attention'],
  [/\bowl\b/i, 'oncall'],
  [
    /\b(isOurNo|isUncertain|leaveAlone|inTheirWords|theirName|putOff|letWait|sayAlive)\b/,
    'see docs/glossary.md',
  ],
];

test.each(banned)(
  'no source, test, page or document contains the banned word %s',
  (pattern, instead) => {
    const found = [
      ...filesIn('src', /\.ts$/),
      ...filesIn('test', /\.ts$/),
      ...filesIn('views', /\.ejs$/),
      ...filesIn('docs', /\.md$/),
      'README.md',
    ]
      .filter((file) => !exempt.has(file))
      .flatMap((file) =>
        read(file)
          .split('\n')
          .flatMap((line, index) =>
            pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
          ),
      );
    expect([instead, found]).toEqual([instead, []]);
  },
);

/**
 * These files may contain banned words: requirements quote their sources, and these tests write rows of former
 * versions.
 */
const exempt = new Set([
  'docs/requirements.md',
  'test/language.test.ts',
  'test/release/plain-names.test.ts',
]);
