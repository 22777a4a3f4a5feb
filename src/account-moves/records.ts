// Parses the records of an account in the older system, from which it is migrated: brands, channels, threads, messages
// with their attachments. Pure functions.
import { z } from 'zod';
import { EXTERNAL_ID } from '../inbox/accounts.ts';
import { partsOf } from '../inbox/places.ts';
import type { RawRecord } from './reader.ts';

const id = z
  .string('is missing')
  .regex(EXTERNAL_ID, 'must be 1 to 64 letters, digits or . : @ - _');
/** A string of at most `most` characters. */
const text = (most: number) =>
  z
    .string('must be a text')
    .refine((value) => [...value].length <= most, `must have at most ${most} characters`);
const instant = z.iso.datetime({
  precision: 3,
  error: 'must be a time such as 2026-11-20T10:11:12.123Z',
});
const position = z
  .string('is missing')
  .refine(isPosition, 'must be a time and an id: 2026-11-20T10:11:12.123Z#…');

function isPosition(value: string): boolean {
  const parts = partsOf(value);
  return parts !== null && parts.at > '1000';
}

const brand = z.object({ id, name: text(200) });
const channel = z.object({
  id,
  brand_id: id.nullish(),
  kind: text(40),
  name: text(200),
  address: text(300).default(''),
});
const thread = z.object({
  account_id: id,
  id,
  channel_id: id,
  title: text(500).default(''),
  customer: text(300).default(''),
  last_at: instant,
});
const attachment = z.object({
  id,
  name: text(255),
  type: text(100).default(''),
  url: text(2000),
});
const message = z.object({
  account_id: id,
  position,
  id,
  thread_id: id,
  direction: z.enum(['in', 'out'], 'must be in or out'),
  author: text(300).default(''),
  body: text(1_000_000),
  attachments: z.array(attachment, 'must be a list').default([]),
});

export type Thread = z.infer<typeof thread>;
export type Message = z.infer<typeof message>;

/**
 * The result of parsing a record: `record` if the record can be stored, otherwise `fault` with the
 * reason.
 */
export type Parsed<T> = { record: T; fault: null } | { record: null; fault: string };

const parse =
  <T extends object>(schema: z.ZodType<T>, check: (record: T) => string | null = () => null) =>
  (item: unknown): Parsed<T> => {
    if (typeof item === 'string') return { record: null, fault: 'It is no JSON.' };
    const { success, data, error } = schema.safeParse(item);
    if (!success) return { record: null, fault: faultsOf(error) };
    const fault = check(data);
    return fault === null ? { record: data, fault } : { record: null, fault };
  };

const faultsOf = ({ issues }: z.ZodError) =>
  issues
    .slice(0, 5)
    .map(({ path, message: what }) => `${path.join('.') || 'The record'}: ${what}.`)
    .join(' ');

export const parseBrand = parse(brand);
export const parseChannel = parse(channel);

/** Returns a function that parses the threads of an account. */
export const threadsOf = (account: string) => parse(thread, ofAccount(account));

/** Returns a function that parses the messages of an account. */
export const messagesOf = (account: string) =>
  parse(message, (one) => {
    const ids = new Set(one.attachments.map((attached) => attached.id));
    if (one.position.split('#')[1] !== one.id) return 'id: is not the one in position.';
    if (ids.size < one.attachments.length) return 'attachments: two have the same id.';
    return ofAccount(account)(one);
  });

const ofAccount = (account: string) => (one: { account_id: string }) =>
  one.account_id === account ? null : 'account_id: is that of another account.';

/** Returns the time of a message. The position of a message is its time, followed by its id. */
export const timeOf = (of: { position: string }): string => of.position.slice(0, 24);

/**
 * Returns a field of a record that may have any form; undefined if the record has no such field.
 */
export const fieldIn = (item: unknown, name: 'id' | 'position'): unknown =>
  typeof item === 'object' && item !== null ? Reflect.get(item, name) : undefined;

/** Returns the id of a record that cannot be parsed, as a string; null if the record has none. */
export function idIn(item: unknown): string | null {
  const id = fieldIn(item, 'id');
  return typeof id === 'string' || typeof id === 'number' ? String(id) : null;
}

/**
 * Returns the position (time and id) of a record, even if the record cannot be stored; null if it has no valid
 * position.
 */
export function positionIn({ item }: RawRecord): string | null {
  const given = fieldIn(item, 'position');
  return typeof given === 'string' && isPosition(given) ? given : null;
}
