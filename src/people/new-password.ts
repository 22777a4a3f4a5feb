// Rules for new passwords: a password must be long and hard to guess, and may contain any characters.
import type { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { z } from 'zod';
import { Invalid, parsed } from '../problems.ts';

const SHORTEST = 12;
const LONGEST = 200;
/**
 * Only this many characters of a password are judged, because the time to judge a password grows with the square of its
 * length.
 */
const CHECKED = 40;
const SAFE_GUESSES = 1e9;

/** The person who chooses the password: attackers guess names and e-mails first. */
type Owner = { name: string; email: string };

let opened: Promise<ZxcvbnFactory> | undefined;
const estimate = () => (opened ??= open());

/**
 * Loads the dictionaries of common passwords when they are first needed: they are large, and most
 * commands check no new password.
 */
async function open(): Promise<ZxcvbnFactory> {
  const { ZxcvbnFactory } = await import('@zxcvbn-ts/core');
  const { adjacencyGraphs, dictionary } = await import('@zxcvbn-ts/language-common');
  return new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
}

export const passwordRule = `${SHORTEST} characters or more: several unrelated words, or one that a password manager makes`;

const schema = z.object({
  password: z
    .string({ error: 'Enter a password' })
    .min(SHORTEST, `Password must have ${SHORTEST} characters or more`)
    .max(LONGEST, `Password must have ${LONGEST} characters or fewer`),
});

/**
 * Checks that a person may choose a password, and returns the password.
 * @throws Invalid for a password that is short, common, a pattern, or made of the person’s own name
 * or e-mail
 */
export async function newPassword(owner: Owner, posted: unknown): Promise<string> {
  const { password } = parsed(schema, posted);
  if (!(await isEasilyGuessed(owner, password))) return password;
  throw new Invalid({
    password: `This password is easy to guess. Choose ${passwordRule}.`,
  });
}

async function isEasilyGuessed({ name, email }: Owner, password: string): Promise<boolean> {
  const own = [email, ...email.split(/[@.]/), name, ...name.split(/\s+/), 'oneway'];
  const estimator = await estimate();
  const { guesses } = estimator.check(password.slice(0, CHECKED), own.filter(Boolean));
  return guesses < SAFE_GUESSES;
}
