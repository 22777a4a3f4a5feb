// Reads the attachments of messages: name, type and state, and where the content is stored.
import { first, select, sql, type Queryable } from '../database/sql.ts';
import { EXTERNAL_ID } from './accounts.ts';
import { partsOf } from './places.ts';

type AttachmentState = 'waiting' | 'stored' | 'skipped';

export type Attachment = {
  /** The position of the message to which the attachment belongs. */
  position: string;
  id: string;
  name: string;
  /**
   * The media type according to the older system Conversations, from which the attachment was migrated; it may be
   * wrong.
   */
  type: string;
  state: AttachmentState;
  /** The key of the content in the object storage; null until the content is stored. */
  object: string | null;
  size: number | null;
  sha256: string | null;
  /** Why the migration did not fetch the content of the attachment; null if the content was not skipped. */
  reason: string | null;
  gone_at: string | null;
};

const columns = sql`position, id, name, type, state, object, size, sha256, reason, gone_at`;

/** Reads the attachments of several messages, sorted by message and id. */
export const attachmentsOf = (on: Queryable, account: number, positions: string[]) =>
  select<Attachment>(
    on,
    sql`select ${columns} from inbox_attachment
         where account_id = ${account} and position in (${positions})
         order by position, id`,
  );

export const attachmentAt = (
  on: Queryable,
  account: number,
  { position, id }: { position: string; id: string },
) =>
  partsOf(position) && EXTERNAL_ID.test(id)
    ? first<Attachment>(
        on,
        sql`select ${columns} from inbox_attachment
             where account_id = ${account} and position = ${position} and id = ${id}`,
      )
    : Promise.resolve(undefined);
