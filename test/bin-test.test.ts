// Tests that bin/test runs all tests, or only those of one folder or file.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { filtersOf } from './support/filters.ts';

test('S3-51 bin/test runs all tests, those of one folder, or one file', () => {
  const listed = (words: string[]) =>
    spawnSync(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'list', '--filesOnly', ...filtersOf(words)],
      { encoding: 'utf8' },
    )
      .stdout.trim()
      .split('\n')
      .map((file) => file.slice(file.lastIndexOf('/test/') + '/test/'.length));
  const all = listed([]);
  expect(all).toEqual(expect.arrayContaining(['routes.test.ts', 'sheet/plan.test.ts']));
  expect(listed(['messages']).every((file) => file.startsWith('messages/'))).toBe(true);
  expect(listed(['sheet/plan'])).toEqual(['sheet/plan.test.ts']);
});
