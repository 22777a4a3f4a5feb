// Reads the form of a request within the limits of its route: refused by its declared length first, then counted
// while it is read.
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
      /** The posted form; empty until the route’s reader has run. */
      form: Form;
    }
  }
}

/** `mayCome`: decides by the form’s token (its first field) whether files are kept. */
type Options = { mayCome?: (token: string | undefined) => boolean };

/** Returns the middleware that reads the forms of a route. It runs after the access check. */
export const reader =
  (body: Body, mayCome?: (req: Request, token: string | undefined) => boolean) =>
  async (req: Request, _res: Response, next: NextFunction) => {
    if (isForm(body)) {
      await readForm(req, body, { mayCome: (token) => mayCome?.(req, token) ?? true });
    }
    next();
  };

/**
 * Reads the posted form into `req.form`, once.
 * @throws Problem 413 when it is larger than the page’s forms can be, 415 when it is no form, 400 when it is
 * malformed
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
 * Yields the parts of a request and counts their bytes. A request that is too large is not cut off, so that its
 * client, which is still sending, receives the answer.
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
    // The client disconnected before the form was complete.
    throw error instanceof Problem ? error : incomplete();
  }
}
