// Posts outbox messages to Slack’s incoming webhooks as {"text": …}, a format that other chat programs accept, too.
import { absolute, type Send, type Sender } from './channel.ts';
import { post } from './post.ts';

export const slack =
  (url: string, sender: Sender): Send =>
  ({ body, href }) => {
    const link = absolute(sender, href);
    const text = link === null ? escaped(body) : `${escaped(body)} <${escaped(link)}|Open>`;
    return post(url, JSON.stringify({ text }));
  };

/** Escapes a text for Slack. Unescaped, `<!channel>` in it would notify the whole channel. */
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
