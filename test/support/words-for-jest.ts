import { existsSync } from 'node:fs';

/**
 * Translates the arguments of bin/test for jest: the name of a folder below test/ stands for all tests in that folder.
 */
export const wordsForJest = (words: string[]): string[] =>
  words.map((word) => (existsSync(`test/${word}`) ? `test/${word}/?` : word));
