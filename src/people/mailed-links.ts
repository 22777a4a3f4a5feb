// Sends e-mails with the links by which people choose a password.
import { v7 as uuid } from 'uuid';
import { transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as outbox from '../messages/outbox.ts';
import { addSecretEmail } from '../messages/secret-email.ts';
import { exactlyForOthers } from '../web/format.ts';
import * as invitations from './invitations.ts';
import * as people from './people.ts';

/** Makes an invitation that is sent to the person by e-mail. */
export async function mailInvitation(here: App, by: string, id: number, seen: string | null) {
  const { inText } = here.rules;
  const intro = `${by} invites you to Oneway in ${inText}. Choose your password with this link.`;
  const event = invitations.eventOf('invitation');
  const alongside = mailedWith(here, { event, subject: `Your account in ${inText}`, intro });
  await invitations.invite(here, by, id, { seen, alongside });
}

/** Sends a link to choose a new password, if there is an open account with this e-mail. */
export async function mailReset(here: App, email: string): Promise<boolean> {
  const person = await people.withEmail(here.sql, email);
  if (!person?.isActive) return false;
  const { inText } = here.rules;
  const subject = `New password in ${inText}`;
  if (here.settings.singleSignOn && !person.hasPassword) {
    await mailWithoutLink(here, person, subject);
    return true;
  }
  const intro = `Somebody, probably you, asked for a new password for your account in ${inText}. Choose it with this link. Your present password works until then.`;
  const event = invitations.eventOf('reset');
  const alongside = mailedWith(here, { event, subject, intro });
  await invitations.reset(here, person.id, alongside);
  return true;
}

/**
 * Sends an e-mail without a link to a person who asked for a new password, but has none and can use single sign-on. A
 * password would let the person in even after the sign-in provider has closed their account, so only an administrator
 * gives them one.
 */
const mailWithoutLink = (here: App, { email }: people.Person, subject: string) =>
  transaction(here.sql, async (on) => {
    const text =
      'Somebody, probably you, asked for a new password. Your account has none: sign in with single sign-on. If you need a password, ask an administrator for a link.';
    const href = '/sign-in';
    const event = invitations.eventOf('reset');
    const line = { event, channel: 'email', recipient: email, subject, body: text, href } as const;
    await outbox.add(on, { ...line, messageId: uuid(), transfer: null });
    await invitations.noteAsked(on, email);
  });

type Letter = { event: string; subject: string; intro: string };

const mailedWith =
  (here: App, { event, subject, intro }: Letter): invitations.Alongside =>
  async (on, { email }, { token, endsAt }) => {
    const link = invitations.linkOf(here, token);
    const text = [
      `${intro} It works once, until ${exactlyForOthers(endsAt)}.`,
      link,
      'If you do not expect this e-mail, ignore it.',
    ].join('\n\n');
    await addSecretEmail(on, here, { event, to: email, subject, text, endsAt });
  };
