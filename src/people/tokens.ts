// A token of the command line: who signed in, until when. It is signed, not stored; a new password ends it.
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { first, sql } from '../database/sql.ts';
import type { Here } from '../environments/here.ts';
import { isSecret } from '../web/security.ts';
import { find, type Person } from './people.ts';

const schema = z.object({ person: z.number(), environment: z.string(), until: z.number() });

const seal = ({ settings }: Here, text: string, passwordHash: string) =>
  createHmac('sha256', settings.session.secret)
    .update(`command line\n${text}\n${passwordHash}`)
    .digest('base64url');

async function passwordHashOf({ sql: on }: Here, id: number): Promise<string> {
  const line = await first<{ password_hash: string }>(
    on,
    sql`select password_hash from person where id = ${id}`,
  );
  return line?.password_hash ?? '';
}

/** A token for as long as a session of the pages lasts. */
export async function issue(here: Here, { id }: Person): Promise<string> {
  const until = Date.now() + here.settings.session.hours * 60 * 60 * 1000;
  const content = JSON.stringify({ person: id, environment: here.name, until });
  const text = Buffer.from(content).toString('base64url');
  return `${text}.${seal(here, text, await passwordHashOf(here, id))}`;
}

/** Who holds this token; null when it does not hold any more. */
export async function holderOf(here: Here, token: string): Promise<Person | null> {
  const [text = '', mac = ''] = token.trim().split('.');
  const content = contentOf(text);
  if (!content || content.environment !== here.name || content.until < Date.now()) return null;
  const expected = seal(here, text, await passwordHashOf(here, content.person));
  if (!isSecret(mac, expected)) return null;
  const person = await find(here.sql, content.person);
  return person?.isActive ? person : null;
}

function contentOf(text: string): z.infer<typeof schema> | null {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    return null;
  }
}
