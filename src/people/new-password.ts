// Rules for new passwords: long and hard to guess, with any characters.
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { z } from 'zod';
import { Invalid, parsed } from '../problems.ts';

const SHORTEST = 12;
const LONGEST = 200;
/**
 * The strength of a password is estimated from its beginning, because the time grows with the square of its length.
 */
const CHECKED = 40;
const SAFE_GUESSES = 1e9;

/** The person whose password it will be: attackers guess names and e-mails first. */
type Owner = { name: string; email: string };

let opened: ZxcvbnFactory | undefined;
const estimate = () => (opened ??= new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs }));

export const passwordRule = `${SHORTEST} characters or more: several unrelated words, or one that a password manager makes`;

const schema = z.object({
  password: z
    .string({ error: 'Enter a password' })
    .min(SHORTEST, `Password must have ${SHORTEST} characters or more`)
    .max(LONGEST, `Password must have ${LONGEST} characters or fewer`),
});

/**
 * Checks that a password is acceptable for this person, and returns it.
 * @throws Invalid for one that is short, common, a pattern, or made of the person’s own name or e-mail
 */
export function newPassword(owner: Owner, posted: unknown): string {
  const { password } = parsed(schema, posted);
  if (!isEasilyGuessed(owner, password)) return password;
  throw new Invalid({
    password: `This password is easy to guess. Choose ${passwordRule}.`,
  });
}

function isEasilyGuessed({ name, email }: Owner, password: string): boolean {
  const own = [email, ...email.split(/[@.]/), name, ...name.split(/\s+/), 'oneway'];
  const { guesses } = estimate().check(password.slice(0, CHECKED), own.filter(Boolean));
  return guesses < SAFE_GUESSES;
}
