// Reads the posted form of a request within the limits of its route. A form that is too large is refused by its
// declared length, or while it is read, by the number of received bytes.
import type { NextFunction, Request, Response } from 'express';
import { Problem } from '../../problems.ts';
import { isForm, mostBytes, type Body, type FormBody } from './body.ts';
import { Form } from './form.ts';
import { readParts } from './parts.ts';
import { incomplete, type Counted } from './problems.ts';
import { readUrlEncoded } from './url-encoded.ts';

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- Express is extended through its namespace
  namespace Express {
    interface Request {
      /** The posted form. It is empty until the middleware `reader` of the route has run. */
      form: Form;
    }
  }
}

/**
 * `mayCome` decides, by the form’s CSRF token, whether the files of the form are kept. The token
 * must be the first field.
 */
type Options = { mayCome?: (token: string | undefined) => boolean };

/**
 * Returns the middleware that reads the posted forms of a route. The middleware runs after the
 * access check.
 */
export const reader =
  (body: Body, mayCome?: (req: Request, token: string | undefined) => boolean) =>
  async (req: Request, _res: Response, next: NextFunction) => {
    if (isForm(body)) {
      await readForm(req, body, { mayCome: (token) => mayCome?.(req, token) ?? true });
    }
    next();
  };

/**
 * Reads the posted form into `req.form`. Does nothing if the form was read before.
 * @throws Problem 413 if the form is larger than the forms of its page can be, 415 if the body is
 * no form, 400 if the form is malformed
 */
export async function readForm(req: Request, body: FormBody, options: Options = {}): Promise<void> {
  if (req.form.entries.length > 0 || !hasBody(req)) return;
  const encoding = req.get('Content-Encoding') ?? 'identity';
  const type = req.is(['urlencoded', 'multipart/form-data']);
  const isParts = type === 'multipart/form-data';
  if (encoding !== 'identity' || !type || (isParts && body.kind !== 'image')) {
    throw new Problem(415, 'This is no form that this page can post. Open the page and try again.');
  }
  const most = mostBytes(body);
  if (Number(req.get('Content-Length') ?? 0) > most) throw tooLarge(body);
  const counted = count(req, most, () => tooLarge(body));
  req.form = isParts
    ? await readParts(counted, req.headers, body, options.mayCome ?? (() => true), tooLarge)
    : await readUrlEncoded(counted, body, tooLarge);
}

export const hasBody = (req: Request) =>
  req.get('Transfer-Encoding') !== undefined || Number(req.get('Content-Length') ?? 0) > 0;

const tooLarge = ({ kind, fields }: FormBody) =>
  new Problem(
    413,
    `This form is larger than this page can take: it may have ${fields.toLocaleString('en')} fields${kind === 'image' ? ' and 3 images of 2 MB' : ''}. Go back, take some of it away, and send it again.`,
  );

/**
 * Yields a request body piece by piece and counts the bytes. A body that is too large is refused
 * without closing the connection, so that a client that is still sending receives the response.
 */
export async function* count(req: Request, most: number, refuse: () => Problem): Counted {
  let bytes = 0;
  try {
    for await (const part of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > most) throw refuse();
      yield part;
    }
  } catch (error) {
    // The client closed the connection before the body was complete.
    throw error instanceof Problem ? error : incomplete();
  }
}
