// A token of the command line: who signed in, until when. It is signed, not stored; a new password ends it.
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { App } from '../environments/app.ts';
import { isSecret } from '../web/security.ts';
import { find, type Person } from './people.ts';

const schema = z.object({ person: z.number(), environment: z.string(), until: z.number() });

const seal = ({ settings }: App, text: string, { credential }: Person) =>
  createHmac('sha256', settings.session.secret)
    .update(`command line\n${text}\n${credential}`)
    .digest('base64url');

/** A token for as long as a session of the pages lasts. */
export function issue(here: App, person: Person): string {
  const until = Date.now() + here.settings.session.hours * 60 * 60 * 1000;
  const content = JSON.stringify({ person: person.id, environment: here.name, until });
  const text = Buffer.from(content).toString('base64url');
  return `${text}.${seal(here, text, person)}`;
}

/** Who holds this token; null when it does not hold any more. */
export async function holderOf(here: App, token: string): Promise<Person | null> {
  const [text = '', mac = ''] = token.trim().split('.');
  const content = contentOf(text);
  if (!content || content.environment !== here.name || content.until < Date.now()) return null;
  const person = await find(here.sql, content.person);
  return person?.isActive && isSecret(mac, seal(here, text, person)) ? person : null;
}

function contentOf(text: string): z.infer<typeof schema> | null {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    return null;
  }
}
