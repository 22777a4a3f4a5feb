import { statSync } from 'node:fs';

const isFolder = (path: string) =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * Translates the arguments of bin/test for vitest: the name of a folder below test/ stands for all tests in that folder.
 */
export const filtersOf = (words: string[]): string[] =>
  words.map((word) => (isFolder(`test/${word}`) ? `test/${word}/` : word));
