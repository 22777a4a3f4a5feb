import { expect, test } from 'vitest';
import {
  choicesSchema,
  columnTypes,
  formatsOf,
  readingSchema,
  Unreadable,
} from '../../../src/datasets/reading/reading.ts';
import { examined } from './read.ts';

test('the parsing rules of a data file are unchanged after they are stored as JSON and parsed again', async () => {
  const { reading } = await examined('id;day;\n1;13/02/2024;\n');
  expect(readingSchema.parse(JSON.parse(JSON.stringify(reading)))).toEqual(reading);
});

test('a chosen column type is accepted only with a format of that type', () => {
  for (const type of columnTypes) {
    for (const format of formatsOf[type]) {
      expect(choicesSchema.safeParse({ types: { a: { type, format } } }).success).toBe(true);
    }
  }
  const wrong = { types: { a: { type: 'date', format: '1,234.5' } } };
  expect(choicesSchema.safeParse(wrong).success).toBe(false);
  expect(choicesSchema.parse({ headerLine: null })).toEqual({ headerLine: null });
});

test('an unreadable data file is reported as a client error with status 422', () => {
  expect(new Unreadable('empty', 'The file is empty.').status).toBe(422);
});
