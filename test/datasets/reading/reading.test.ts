import { expect, test } from '@jest/globals';
import {
  choicesSchema,
  columnTypes,
  formatsOf,
  readingSchema,
  Unreadable,
} from '../../../src/datasets/reading/reading.ts';
import { examined } from './read.ts';

test('a reading (the description of how a file becomes rows) stays the same when it is stored as JSON and parsed again', async () => {
  const { reading } = await examined('id;day;\n1;13/02/2024;\n');
  expect(readingSchema.parse(JSON.parse(JSON.stringify(reading)))).toEqual(reading);
});

test('a choice of a type has one of the formats of that type', () => {
  for (const type of columnTypes) {
    for (const format of formatsOf[type]) {
      expect(choicesSchema.safeParse({ types: { a: { type, format } } }).success).toBe(true);
    }
  }
  const wrong = { types: { a: { type: 'date', format: '1,234.5' } } };
  expect(choicesSchema.safeParse(wrong).success).toBe(false);
  expect(choicesSchema.parse({ headerLine: null })).toEqual({ headerLine: null });
});

test('an unreadable file is a problem of the person, not of the program', () => {
  expect(new Unreadable('empty', 'The file is empty.').status).toBe(422);
});
