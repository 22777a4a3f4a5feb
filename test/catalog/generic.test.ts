// Tests that only the catalogue names its entities, so that all other code is generic.
import { expect, test } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { matchedByName } from '../../src/catalog/index.ts';

const own = /^src\/catalog\/(entities\/|index\.ts$)/;
const files = ['src', 'views', 'public']
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  .filter((file) => /\.(ts|ejs|js|css)$/.test(file) && !own.test(file));

/**
 * Returns a pattern that matches an entity name in `city`, `cityNames`, `city_id`, `Cities` and
 * `ofCity`, but not in `opacity`.
 */
function namePattern() {
  const words = matchedByName.flatMap(({ name, label }) => [name, label.many.toLowerCase()]);
  const any = words.join('|');
  const capital = words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('|');
  return new RegExp(`(?<![A-Za-z])(${any}|${capital})|[a-z](${capital})`);
}

const isComment = (line: string) => /^\s*(\/\/|\/?\*)/.test(line);

test('code outside the entity definitions names no entity that is matched by name (such as city), except in comments', () => {
  const pattern = namePattern();
  expect('cityNames').toMatch(pattern);
  expect('opacity').not.toMatch(pattern);
  const wrong = files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line) && !isComment(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
  expect(files.length).toBeGreaterThan(100);
  expect(wrong).toEqual([]);
});
