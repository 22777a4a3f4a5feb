import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { atMost } from './at-most.ts';

/**
 * Hashes a password. Only three passwords are hashed at once, because the process’s threads have
 * other work, too, and each hash takes memory.
 */
const derive = atMost({ atOnce: 3, waiting: 20 }, promisify(argon2));
// OWASP’s first recommendation for argon2id: 19 MiB of memory, two passes, one lane.
const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 };

/**
 * The stored value of a missing password. No password matches it, and checking it takes as long as
 * checking a real hash, so that the time does not reveal which people have a password.
 */
export const noPassword = 'none';
const nobodys = encoded(randomBytes(16), randomBytes(cost.tagLength));

/**
 * Hashes a password in the stored format: `$argon2id$m=…,t=…,p=…$salt$tag`, with salt and tag in
 * base64url.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const tag = await derive('argon2id', { ...cost, message: password, nonce: salt });
  return encoded(salt, tag);
}

function encoded(salt: Buffer, tag: Buffer): string {
  const { memory, passes, parallelism } = cost;
  const costs = `m=${memory},t=${passes},p=${parallelism}`;
  return ['', 'argon2id', costs, salt.toString('base64url'), tag.toString('base64url')].join('$');
}

export async function isPassword(password: string, kept: string): Promise<boolean> {
  const hash = kept === noPassword ? nobodys : kept;
  const [, , costs = '', salt = '', expected = ''] = hash.split('$');
  const [memory = 0, passes = 0, parallelism = 0] = costs
    .split(',')
    .map((one) => Number(one.slice(2)));
  const wanted = Buffer.from(expected, 'base64url');
  const tag = await derive('argon2id', {
    memory,
    passes,
    parallelism,
    tagLength: wanted.length,
    message: password,
    nonce: Buffer.from(salt, 'base64url'),
  });
  return timingSafeEqual(tag, wanted) && kept !== noPassword;
}
