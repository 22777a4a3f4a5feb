// Which passwords may be chosen: long ones that are hard to guess, of whatever characters.
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { z } from 'zod';
import { Invalid, parsed } from '../problems.ts';

const SHORTEST = 12;
const LONGEST = 200;
/** The estimate takes longer with the square of the length. */
const CHECKED = 40;
const SAFE_GUESSES = 1e9;

/** Whose password it will be: their name and e-mail are guessed first. */
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
 * Checks that a password is acceptable for this person, and answers it.
 * @throws Invalid for one that is short, common, a pattern, or made of the person's own name or e-mail
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
