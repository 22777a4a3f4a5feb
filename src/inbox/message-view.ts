// Messages as the page of an inbox shows them. Pure functions.
import type { Attachment } from './attachments.ts';
import type { InboxMessage } from './messages.ts';
import type { FoundMessage } from './search.ts';

/** How many characters of a message are shown at once; a link leads to a longer one. */
const SHOWN = 10_000;
/** How many characters of a found message are shown around the searched text. */
const AROUND = 140;

export type MessageView = Omit<InboxMessage, 'attachments'> & {
  /** Its beginning, if it is long. */
  shown: string;
  /** Where all of it can be read; null if all of it is shown. */
  wholeHref: string | null;
  isFromCustomer: boolean;
  attachments: AttachmentView[];
};

type AttachmentView = Attachment & {
  href: string;
  imageHref: string;
  isImage: boolean;
  /** Whether its content is here; also while a later run fetches it again. */
  isHere: boolean;
};

/** `path`: the address of the inbox; `images`: those attachments that are images. */
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

/** A text without half a character at its end. */
const wholeCharacters = (text: string) => text.replace(/[\uD800-\uDBFF]$/, '');

/** The part of a found message around the searched text. */
export function excerptOf({ body }: Pick<FoundMessage, 'body'>, search: string): string {
  // Without the text itself, it was found by a letter that counts as the same, such as é for e.
  const at = Math.max(0, body.toLowerCase().indexOf(search.toLowerCase()));
  const from = Math.max(0, at - AROUND);
  const to = at + search.length + AROUND;
  const part = body.slice(from, to).replace(/^[\uDC00-\uDFFF]/, '');
  return `${from > 0 ? '…' : ''}${wholeCharacters(part)}${to < body.length ? '…' : ''}`;
}
