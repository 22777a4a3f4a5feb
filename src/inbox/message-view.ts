// Formats messages for the page of an inbox. Pure functions.
import type { Attachment } from './attachments.ts';
import type { InboxMessage } from './messages.ts';
import type { FoundMessage } from './search.ts';

/**
 * How many characters of a message the page shows; a longer message gets a link to its whole text.
 */
const SHOWN = 10_000;
/** How many characters a search result shows before and after the searched text. */
const AROUND = 140;

export type MessageView = Omit<InboxMessage, 'attachments'> & {
  /** The text that the page shows: the whole message, or only the beginning of a long one. */
  shown: string;
  /** The URL of the whole text; null if the page already shows the whole text. */
  wholeHref: string | null;
  isFromCustomer: boolean;
  attachments: AttachmentView[];
};

type AttachmentView = Attachment & {
  href: string;
  imageHref: string;
  isImage: boolean;
  /**
   * Whether the content is in Oneway’s object storage. Remains true while a repeated migration of the account fetches
   * the content again.
   */
  isHere: boolean;
};

/**
 * Formats a message for the page. `path`: the URL of the inbox. `images`: the attachments that are
 * images.
 */
export const messageView = (
  message: InboxMessage,
  { path, images }: { path: string; images: Set<Attachment> },
): MessageView => {
  const at = encodeURIComponent(message.position);
  const isLong = message.body.length > SHOWN;
  return {
    ...message,
    shown: isLong ? wholeCharacters(message.body.slice(0, SHOWN)) : message.body,
    wholeHref: isLong ? `${path}/messages/${at}` : null,
    isFromCustomer: message.direction === 'in',
    attachments: message.attachments.map((one) => {
      const id = encodeURIComponent(one.id);
      return {
        ...one,
        href: `${path}/attachments/${at}/${id}`,
        imageHref: `${path}/images/${at}/${id}`,
        isImage: images.has(one),
        isHere: one.object !== null,
      };
    }),
  };
};

/** Removes half a character (a lone surrogate) from the end of a text. */
const wholeCharacters = (text: string) => text.replace(/[\uD800-\uDBFF]$/, '');

/** Returns the part of a message around the searched text. */
export function excerptOf({ body }: Pick<FoundMessage, 'body'>, search: string): string {
  // If the message does not contain the exact text, MySQL matched a similar letter, such as é for
  // e. The excerpt is then the beginning of the message.
  const at = Math.max(0, body.toLowerCase().indexOf(search.toLowerCase()));
  const from = Math.max(0, at - AROUND);
  const to = at + search.length + AROUND;
  const part = body.slice(from, to).replace(/^[\uDC00-\uDFFF]/, '');
  return `${from > 0 ? '…' : ''}${wholeCharacters(part)}${to < body.length ? '…' : ''}`;
}
