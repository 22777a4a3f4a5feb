import { existsSync } from 'node:fs';

/** The words of a call of bin/test as jest takes them: a folder below test/ means all tests in it. */
export const wordsForJest = (words: string[]): string[] =>
  words.map((word) => (existsSync(`test/${word}`) ? `test/${word}/?` : word));
