// Tests which posted texts each kind of field accepts.
import { describe, expect, test } from 'vitest';
import { fieldEntries, parseContent, type Entity } from '../../src/catalog/entity.ts';
import { catalog, entityNamed } from '../../src/catalog/index.ts';
import type { Value } from '../../src/catalog/fields.ts';
import { Invalid } from '../../src/problems.ts';
import { sampleContent } from '../support/sample-content.ts';

/** Returns a valid posted form of an entity, in which the given fields are replaced. */
const posted = (entity: Entity, more: Record<string, unknown>) => {
  const sample = Object.entries(sampleContent(entity)).map(([name, value]) => [
    name,
    entity.fields[name]?.to ? '#1' : asText(value),
  ]);
  return { ...Object.fromEntries(sample), ...more };
};
const asText = (value: Value) =>
  Array.isArray(value) ? value : typeof value === 'boolean' ? '' : String(value ?? '');

function errorsOf(name: string, more: Record<string, unknown>): Record<string, string> {
  const entity = entityNamed(name);
  try {
    parseContent(entity, posted(entity, more));
    return {};
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    return error.fields;
  }
}
const valueOf = (name: string, field: string, value: unknown) => {
  const entity = entityNamed(name);
  return parseContent(entity, posted(entity, { [field]: value }))[field];
};

const required = catalog.flatMap((entity) =>
  fieldEntries(entity).flatMap(([field, { kind, optional }]) =>
    kind === 'text' && !optional ? [[entity.name, field] as const] : [],
  ),
);

describe('texts that a user types into a required text field', () => {
  test.each(required)(
    'the required text field %s.%s refuses a text without a visible character (F2)',
    (entity, field) => {
      for (const text of [
        '\u200B',
        '\u2060\u200D',
        '\u00AD',
        '\u202E \u2066',
        '\uFEFF',
        '\u3164',
        '\u115F',
        '\u2800',
        '\u034F',
        '\u0301',
        '\uFE0F',
        '\u{E0020}',
        '\u3000\u2003',
        '\u0007',
        '\u0000',
      ]) {
        expect([text, errorsOf(entity, { [field]: text })]).toEqual([
          text,
          { [field]: expect.stringMatching(/^Enter /) },
        ]);
      }
    },
  );

  test.each([
    ['evil \u202Etxt.exe', 'evil txt.exe'],
    ['\u2067a\u2069\u200Eb\u200F', 'ab'],
    ['a\u0007b\u001B[31m', 'ab[31m'],
    ['a\tb\u2028c', 'a b c'],
    ['Cafe\u0301', 'Café'],
    ['👩‍👩‍👧 ok', '👩‍👩‍👧 ok'],
    ['می‌خواهم', 'می‌خواهم'],
  ])(
    'the typed text %j is stored without control characters and bidirectional marks (F2)',
    (text, kept) => {
      expect(valueOf('business', 'name', text)).toBe(kept);
    },
  );
});

test('an optional text without a visible character is stored as empty (F2)', () => {
  expect(valueOf('business', 'description', ' \u200B\n\u00AD')).toBeNull();
  expect(valueOf('business', 'description', 'עברית \u200Fab\r\nb\u202E')).toBe('עברית \u200Fab\nb');
});

describe('texts that a user types into a date field', () => {
  test.each([
    '2026-02-30T10:00',
    '2027-02-29T10:00',
    '2026-04-31T10:00',
    '2026-13-01T10:00',
    '2026-11-30T24:00',
    '2026-11-30T09:60',
    '2026-11-30T09:00:60',
    '1',
    '10',
    '2026',
    '2026-11',
    '2026-11-30',
    '12/25/2026',
    'Dec 1 2026',
    'tomorrow',
    '0000-01-01T00:00',
    '0001-01-01T00:00',
    '1969-12-31T23:59',
    '9999-01-01T00:00',
    '10000-01-01T00:00',
    '+275760-09-13T00:00',
    '-000001-01-01T00:00',
    '1970-01-01T00:00+01:00',
    '2026-11-30T09:00+25:00',
    '2026-11-30T09:00:00.1234',
    '2026-11-30T09:00 Z',
    '２０２６-11-30T09:00',
  ])('a date field refuses the text “%s” (F5, C3)', (start) => {
    expect(errorsOf('banner', { start })).toEqual({
      start: expect.stringContaining('such as 2026-11-30T09:00'),
    });
  });

  test.each([
    ['2028-02-29T10:00', '2028-02-29T10:00:00.000Z'],
    ['2026-11-30T09:00:07', '2026-11-30T09:00:07.000Z'],
    ['2026-11-30T09:00:07.5', '2026-11-30T09:00:07.500Z'],
    ['2026-11-30T09:00Z', '2026-11-30T09:00:00.000Z'],
    ['2026-11-30T09:00+05:30', '2026-11-30T03:30:00.000Z'],
    ['1970-01-01T00:00', '1970-01-01T00:00:00.000Z'],
    ['9998-12-31T23:59:59.999', '9998-12-31T23:59:59.999Z'],
    ['', null],
  ])('a date field accepts the text “%s” (F5, C3)', (start, instant) => {
    expect(valueOf('banner', 'start', start)).toBe(instant);
  });
});

describe('addresses that a user types into a web address field', () => {
  test.each([
    'https://@/',
    'https://@example.com/',
    'https://ana@example.com/',
    'https://ana:secret@example.com/',
    'https://',
    'https:///example.com',
    'https:example.com',
    'https:\\\\example.com',
    'https://:443/',
    'https://?q',
    'https://#a',
    'https://.',
    'https://..com/',
    'https://exa mple.com/',
    'https://example.com:99999/',
    'https://[::1/',
    'https://256.256.256.256/',
    'https://%00/',
    'ftp://example.com/',
    'javascript:alert(1)',
    'example.com',
  ])('a web address field refuses the address %s (C6)', (link) => {
    expect(errorsOf('banner', { link })).toEqual({ link: expect.stringContaining('https://') });
  });

  test.each([
    'https://example.com',
    'HTTPS://Example.com/A?b=c@d#e',
    'http://localhost:4201/a',
    'https://münchen.example/ü',
    'https://[::1]:8080/',
    'https://example.com./',
  ])('a web address field accepts the address %s and stores it as typed (C6)', (link) => {
    expect(valueOf('banner', 'link', link)).toBe(link);
  });
});

describe('lines that a user types into a list field', () => {
  const lines = (number: number) => Array.from({ length: number }, (_, at) => `${at}`).join('\r\n');

  test('a list field accepts at most 200 lines (B7)', () => {
    expect(valueOf('form_field', 'options', lines(200))).toHaveLength(200);
    for (const number of [201, 150_000]) {
      expect(errorsOf('form_field', { options: lines(number) })).toEqual({
        options: `Options can have 200 lines at most. It has ${number}.`,
      });
    }
  });

  test('a list field leaves out lines without a visible character (F2, B7)', () => {
    const options = `a\n\u200B\n\n${'\n'.repeat(500)} b\u202E\n`;
    expect(valueOf('form_field', 'options', options)).toEqual(['a', 'b']);
  });
});
