// What the body of a request may be. Each route names one of these, so that nothing is read which its page cannot post.

const KB = 1024;
const MB = 1024 * KB;

type Fields = {
  kind: 'fields' | 'image';
  /** Highest number of fields. */
  fields: number;
  /** Highest number of bytes of the fields, with their names and whatever else stands between them. */
  bytes: number;
};

/** `none`: nothing is read. `fields`: URL-encoded fields. `image`: fields, in parts too, with images among them. */
export type Body = { kind: 'none' } | Fields;
export type FormBody = Fields;

const fields = (most: number, bytes: number): FormBody => ({ kind: 'fields', fields: most, bytes });

export const none: Body = { kind: 'none' };
/** What strangers may post: an e-mail, a password and the token. */
export const tiny = fields(5, 4 * KB);
/** One action, with a note at most. */
export const small = fields(50, 64 * KB);
/** The rows that are ticked on a page. */
export const ticks = fields(2000, 256 * KB);
/** A page of a sheet with all its choices, and with those that it showed. */
export const sheet = fields(10_000, 2 * MB);
/** A conflict: the row three times, in one field. */
export const conflict = fields(200, 4 * MB);
/** A row with its images, and up to 5,000 lines of links. */
export const row: FormBody = { kind: 'image', fields: 12_000, bytes: 3 * MB };
/** Any of these: what is saved, and given back, whatever route it was for. */
export const any: FormBody = { kind: 'image', fields: 12_000, bytes: 4 * MB };

export const images = {
  /** In one form. */
  most: 3,
  /** Bytes of one that is kept. */
  bytes: 2 * MB,
  /**
   * Bytes of one that is passed over, so that a photo which is too large is a problem of its field, and what was typed
   * beside it is read.
   */
  passedOver: 12 * MB,
};

/** Bytes of a whole body. */
export const mostBytes = ({ kind, bytes }: FormBody): number =>
  kind === 'image' ? bytes + images.most * images.passedOver : bytes;
