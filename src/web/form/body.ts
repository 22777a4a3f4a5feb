// What a request body may contain. Each route names one of these, so that nothing is read which its page cannot post.

const KB = 1024;
const MB = 1024 * KB;

type Fields = {
  kind: 'fields' | 'image';
  /** The most fields that the form may have. */
  fields: number;
  /** The most bytes of the form’s fields, including names and separators. */
  bytes: number;
};

/**
 * What a request may contain. `none`: nothing is read. `json`: the message of another server. `raw`: bytes, whose hash
 * is signed. `fields`: URL-encoded fields. `image`: fields and images, also as multipart. `upload`: a few fields and
 * then a file of any size, which the handler reads as a stream.
 */
export type Body = { kind: 'none' } | { kind: 'json' } | { kind: 'upload' } | RawBody | Fields;
export type RawBody = { kind: 'raw'; bytes: number };
export type FormBody = Fields;

export const isForm = (body: Body): body is FormBody =>
  body.kind === 'fields' || body.kind === 'image';

const fields = (most: number, bytes: number): FormBody => ({ kind: 'fields', fields: most, bytes });

export const none: Body = { kind: 'none' };
export const json: Body = { kind: 'json' };
export const upload: Body = { kind: 'upload' };
/** The limit of a request of the signed API. */
export const raw: RawBody = { kind: 'raw', bytes: 64 * KB };
/** The limits of forms that visitors post without signing in: an e-mail, a password and the token. */
export const tiny = fields(5, 4 * KB);
/** The limits of a form with one action and an optional note. */
export const small = fields(50, 64 * KB);
/** The limits of a form with checkboxes for the rows of a page. */
export const ticks = fields(2000, 256 * KB);
/** The limits of one page of a transfer sheet, with all its choices and those that the page showed. */
export const sheet = fields(10_000, 2 * MB);
/** The limits of the page of an edit conflict, which posts three versions of the row in one field. */
export const conflict = fields(200, 4 * MB);
/** The limits of a form with a list of ids, one a line: 100,000 of them with 64 characters, three bytes each. */
export const lines = fields(10, 20 * MB);
/** The limits of a row form, with images and up to 5,000 lines of links. */
export const row: FormBody = { kind: 'image', fields: 12_000, bytes: 3 * MB };
/** The limits of any posted form: saved forms of all pages are posted again through one URL. */
export const any: FormBody = { kind: 'image', fields: 12_000, bytes: 4 * MB };

export const images = {
  /** The most images in one form. */
  most: 3,
  /** The most bytes of an uploaded image that is kept. */
  bytes: 2 * MB,
  /**
   * The most bytes of an image that is discarded while the rest of the form is read. A photo that is a little too
   * large then gets an error at its field, and the typed values stay.
   */
  passedOver: 12 * MB,
};

/** The most bytes of a whole body. */
export const mostBytes = ({ kind, bytes }: FormBody): number =>
  kind === 'image' ? bytes + images.most * images.passedOver : bytes;
