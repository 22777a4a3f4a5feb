import { describe, expect, test } from 'vitest';
import { Invalid } from '../../src/problems.ts';
import { clientSchema, nameOf, namesIn, suffixSchema } from '../../src/staging/names.ts';

const at = new Date('2021-09-20T13:51:07Z');

describe('how the name of a staging database is built', () => {
  test.each([
    [{ at, suffix: 'david-test' }, 'UTC', 'cosmos-lab_20210920_1351_david-test'],
    [{ at, suffix: 'david-test' }, 'America/New_York', 'cosmos-lab_20210920_0951_david-test'],
    [{ at, suffix: '' }, 'UTC', 'cosmos-lab_20210920_1351'],
    [{ at: null, suffix: 'david' }, 'UTC', 'cosmos-lab_david'],
    [{ at: null, suffix: '' }, 'UTC', 'cosmos-lab'],
    [{ at: new Date('2021-09-20T00:05:00Z'), suffix: '' }, 'UTC', 'cosmos-lab_20210920_0005'],
  ])(
    'S1-33 S1-34 S1-80 a staging database with the time and suffix %j in the time zone %s is named “%s”',
    (parts, timeZone, name) => {
      expect(nameOf({ client: 'cosmos', level: 'lab', ...parts }, timeZone)).toBe(name);
    },
  );

  test('S1-81 a name of more than 63 bytes for a staging database is refused, and the message says how much shorter the suffix must be', () => {
    const named = (length: number) =>
      nameOf({ client: 'cosmos', level: 'lab', at, suffix: 'x'.repeat(length) });
    expect(named(38)).toHaveLength(63);
    expect(() => named(40)).toThrow(
      new Invalid({
        suffix: 'The name would have 65 characters, and 63 are allowed. Make the suffix 2 shorter.',
      }),
    );
  });
});

test.each(['david-test', 'a', '1', 'a_b-c', '2026', ''])(
  'S1-81 the suffix “%s” is accepted in the name of a staging database',
  (suffix) => {
    expect(suffixSchema.safeParse(suffix).data).toBe(suffix);
  },
);

test.each([
  'David',
  'a b',
  'a--b',
  'a__b',
  '-a',
  'a-',
  '_a',
  'a.b',
  'a;drop',
  'é',
  '🪔',
  'a`b',
  'a%',
])(
  'S1-40 the suffix “%s” in the name of a staging database is refused, and the message says which characters are allowed',
  (suffix) => {
    const message = suffixSchema.safeParse(suffix).error?.issues[0]?.message;
    expect(message).toMatch(/lowercase letters and digits.*david-test/);
  },
);

test.each(['Cosmos', 'a_b', 'a--b', '-a', '', ' '])(
  'S1-23 the name “%s” of a client (company) is refused as a part of the name of a staging database',
  (client) => {
    expect(clientSchema.safeParse(client).success).toBe(false);
  },
);

test('S1-62 names of staging databases may be typed with spaces, commas or line breaks between them', () => {
  expect(namesIn(' a-lab\r\nb-lab\t c-lab,a-lab\n\n')).toEqual(['a-lab', 'b-lab', 'c-lab']);
});
