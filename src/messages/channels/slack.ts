// Posts to Slack’s incoming webhooks, which other chat programs accept, too: {"text": …}.
import { absolute, type Send, type Sender } from './channel.ts';
import { post } from './post.ts';

export const slack =
  (url: string, sender: Sender): Send =>
  ({ body, href }) => {
    const link = absolute(sender, href);
    const text = link === null ? escaped(body) : `${escaped(body)} <${escaped(link)}|Open>`;
    return post(url, JSON.stringify({ text }));
  };

/** Escapes a text for Slack: otherwise `<!channel>` in it would notify the whole channel. */
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
