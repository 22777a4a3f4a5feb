// Tokens with which people sign in on the command line. A token contains the person and an expiry, is signed and not
// stored. A new password makes the person’s tokens invalid.
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { App } from '../environments/app.ts';
import { isSecret } from '../web/sealed.ts';
import { find, type Person } from './people.ts';

const schema = z.object({ person: z.number(), environment: z.string(), until: z.number() });

const seal = ({ settings }: App, text: string, { credential }: Person) =>
  createHmac('sha256', settings.session.secret)
    .update(`command line\n${text}\n${credential}`)
    .digest('base64url');

/** Issues a token that is valid as long as a web session. */
export function issue(here: App, person: Person): string {
  const until = Date.now() + here.settings.session.hours * 60 * 60 * 1000;
  const content = JSON.stringify({ person: person.id, environment: here.name, until });
  const text = Buffer.from(content).toString('base64url');
  return `${text}.${seal(here, text, person)}`;
}

/** Returns the person to whom a token belongs; null when the token is not valid or is no longer valid. */
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
