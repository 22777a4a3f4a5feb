// Defines what request bodies may contain. Each route names one of these kinds, so that the server reads nothing that
// the route’s page cannot post.

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
 * The kind of a request body. `none`: no body is read. `json`: JSON from another server. `raw`:
 * bytes exactly as sent, because the client has signed their hash. `fields`: URL-encoded form
 * fields. `image`: form fields and images, URL-encoded or multipart. `upload`: a few form fields,
 * followed by a file of any size that the handler reads as a stream.
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
/** The limit for requests to the signed API, whose requests carry a HAWK signature. */
export const raw: RawBody = { kind: 'raw', bytes: 64 * KB };
/**
 * The limits of forms that visitors post before they sign in: an e-mail, a password and the CSRF
 * token.
 */
export const tiny = fields(5, 4 * KB);
/** The limits of a form with one action and an optional note. */
export const small = fields(50, 64 * KB);
/** The limits of a form with checkboxes for the rows of a page. */
export const ticks = fields(2000, 256 * KB);
/**
 * The limits of one page of a transfer sheet, which posts the user’s choices and, in hidden fields,
 * the choices that the page showed.
 */
export const sheet = fields(10_000, 2 * MB);
/** The limits of the page of an edit conflict, which posts three versions of a row in one field. */
export const conflict = fields(200, 4 * MB);
/**
 * The limits of a form with a list of ids, one per line: 100,000 ids of 64 characters with up to
 * three bytes each.
 */
export const lines = fields(10, 20 * MB);
/** The limits of a row form, with images and up to 5,000 lines of links. */
export const row: FormBody = { kind: 'image', fields: 12_000, bytes: 3 * MB };
/**
 * The limits of any posted form, because the saved forms of all pages are posted again through one
 * URL.
 */
export const any: FormBody = { kind: 'image', fields: 12_000, bytes: 4 * MB };

export const images = {
  /** The most images in one form. */
  most: 3,
  /** The most bytes of an uploaded image that is accepted. */
  bytes: 2 * MB,
  /**
   * The most bytes of a larger image, which is read and discarded so that the rest of the form can
   * be read. A photo that is a little too large then gets an error at its field, and the form keeps
   * the typed values.
   */
  passedOver: 12 * MB,
};

/** Returns the most bytes that a whole request body may have. */
export const mostBytes = ({ kind, bytes }: FormBody): number =>
  kind === 'image' ? bytes + images.most * images.passedOver : bytes;
