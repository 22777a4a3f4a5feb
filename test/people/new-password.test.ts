import { expect, test } from 'vitest';
import { newPassword } from '../../src/people/new-password.ts';

const owner = { name: 'Asha Kumar', email: 'asha.kumar@example.com' };
const reasonFor = (password: string | undefined): Promise<string> =>
  newPassword(owner, { password }).then(
    () => '',
    (error: Error) => error.message,
  );

test.each([
  'password1234',
  '123456789012',
  'aaaaaaaaaaaa',
  'qwertyuiop12',
  'Password2026!',
  'letmeinletmein',
  'abcabcabcabc',
  'asha.kumar@example.com',
  'ashakumar2026',
  'kumar-kumar-kumar',
  'oneway-password',
])(
  'the password %s is refused as common, a pattern or made of the person’s own name (B5)',
  async (password) => {
    expect(await reasonFor(password)).toMatch(/easy to guess\. Choose 12 characters or more/);
  },
);

test.each(['correct horse battery', 'gk39dm2qpz81', 'дом у дороги летом', 'a secret of twelve'])(
  'the password %s is accepted, whatever characters it has (B5)',
  async (password) => {
    expect(await newPassword(owner, { password })).toBe(password);
  },
);

test('a password that is missing, short or longer than 200 characters is refused (B5)', async () => {
  expect(await reasonFor(undefined)).toBe('Enter a password');
  expect(await reasonFor('short')).toBe('Password must have 12 characters or more');
  expect(await reasonFor('long phrase '.repeat(17))).toContain('200 characters or fewer');
});

test('estimating the strength of a very long password takes less than half a second (B5)', async () => {
  await reasonFor('correct horse battery');
  const start = process.cpuUsage();
  await reasonFor('x9!kQz pM2 lorem 7 dolor qwerty 123456 abcd '.repeat(4));
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(500);
});
