// An incoming webhook as Slack defines it, which other chat programs understand too: {"text": …}.
import { absolute, type Send, type Sender } from './channel.ts';
import { post } from './post.ts';

export const slack =
  (url: string, sender: Sender): Send =>
  ({ body, href }) => {
    const link = absolute(sender, href);
    const text = link === null ? escaped(body) : `${escaped(body)} <${escaped(link)}|Open>`;
    return post(url, JSON.stringify({ text }));
  };

/** Unescaped, a name such as `<!channel>` would notify everybody. */
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
