// Sends the links by which people choose a password by e-mail.
import type { App } from '../environments/app.ts';
import { addSecretEmail } from '../messages/secret-email.ts';
import { exactly } from '../web/format.ts';
import * as invitations from './invitations.ts';
import * as people from './people.ts';

/** Makes an invitation that is sent to the person by e-mail. */
export async function mailInvitation(here: App, by: string, id: number, seen: string | null) {
  const { inText } = here.rules;
  const intro = `${by} invites you to Oneway in ${inText}. Choose your password with this link.`;
  const event = 'account.invitation';
  const alongside = mailedWith(here, { event, subject: `Your account in ${inText}`, intro });
  await invitations.invite(here, by, id, { seen, alongside });
}

/** Sends a link to choose a new password, if there is an open account with this e-mail. */
export async function mailReset(here: App, email: string): Promise<boolean> {
  const person = await people.withEmail(here.sql, email);
  if (!person?.isActive) return false;
  const { inText } = here.rules;
  const intro = `Somebody, probably you, asked for a new password for your account in ${inText}. Choose it with this link. Your present password works until then.`;
  const event = 'account.reset';
  const alongside = mailedWith(here, { event, subject: `New password in ${inText}`, intro });
  await invitations.reset(here, person.id, alongside);
  return true;
}

type Letter = { event: string; subject: string; intro: string };

const mailedWith =
  (here: App, { event, subject, intro }: Letter): invitations.Alongside =>
  async (on, { email }, { token, endsAt }) => {
    const link = invitations.linkOf(here, token);
    const text = [
      `${intro} It works once, until ${exactly(endsAt)}.`,
      link,
      'If you do not expect this e-mail, ignore it.',
    ].join('\n\n');
    await addSecretEmail(on, here, { event, to: email, subject, text, endsAt });
  };
