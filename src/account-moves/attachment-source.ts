// Opens attachments on the media hosts of the older system, from which accounts are migrated. Our token is sent only to
// the hosts in MEDIA_HOSTS.
import { Readable } from 'node:stream';
import { Stopping } from '../jobs/interrupted.ts';
import { certToken } from './cert-token.ts';
import { patience } from './patience.ts';
import { AttachmentMissing, SourceFailed, type AttachmentAddress } from './reader.ts';
import type { MoveSettings } from './settings.ts';

/**
 * Opens an attachment as a stream. The stream fails when it exceeds the size limit or the host
 * stops sending.
 * @throws AttachmentMissing when the attachment can never be read; SourceFailed when a later
 * attempt may succeed
 */
export async function openAttachment(
  moves: MoveSettings,
  { url: address, type }: AttachmentAddress,
  signal: AbortSignal,
): Promise<Readable> {
  const url = listed(moves, address);
  const stop = new AbortController();
  const asFailure = (error: unknown) => failureOf(error, { url, signal, stop: stop.signal });
  try {
    const answer = await untilSilent(
      stop,
      fetch(url, {
        headers: {
          Authorization: `Bearer ${await certToken(moves)}`,
          // Ask for an uncompressed response, because a compressed one hides the attachment’s real
          // size.
          'Accept-Encoding': 'identity',
        },
        redirect: 'manual',
        signal: AbortSignal.any([signal, stop.signal]),
      }),
    );
    const announced = Number(answer.headers.get('content-length'));
    const refusal =
      refusalOf(answer, url) ?? tooLarge(moves, announced) ?? otherThan(type, answer, url);
    if (refusal) throw refusal;
    const parts = metered(answer, { moves, stop, asFailure });
    const content = Readable.from(parts, { objectMode: false });
    return content.once('close', () => stop.abort());
  } catch (error) {
    const failure = asFailure(error);
    stop.abort();
    throw failure;
  }
}

const SILENT = Symbol('silent');

/**
 * Waits for the media host, and aborts the request when the host is silent for too long. The time
 * that the reader of the stream needs to write the content elsewhere does not count.
 */
async function untilSilent<T>(stop: AbortController, asked: Promise<T>): Promise<T> {
  const timer = setTimeout(() => stop.abort(SILENT), patience.attachment);
  try {
    return await asked;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Parses the URL of an attachment and checks that our token may be sent there.
 * @throws AttachmentMissing when the token must not be sent to this URL
 */
function listed({ mediaHosts, conversations }: MoveSettings, address: string): URL {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new AttachmentMissing('refused', 'Its address is no web address.');
  }
  if (!mediaHosts.includes(url.host)) {
    throw new AttachmentMissing(
      'host-not-listed',
      `It is on ${url.host}, which is not in MEDIA_HOSTS.`,
    );
  }
  // The record of an attachment may contain an http:// URL on a listed host, to which our token would be sent
  // unencrypted. Such a URL is refused, unless the older system itself uses http://.
  if (url.protocol === 'http:' && new URL(conversations.url).protocol === 'https:') {
    throw new AttachmentMissing('refused', `Its address on ${url.host} is not encrypted.`);
  }
  return url;
}

function refusalOf({ status }: Response, { host }: URL): Error | null {
  if (status === 200) return null;
  if (status === 404 || status === 410) {
    return new AttachmentMissing('not-found', `${host} answered ${status}: it does not exist.`);
  }
  if (status >= 300 && status < 400) {
    return new AttachmentMissing('refused', `${host} leads to another address (${status}).`);
  }
  if (status === 401 || status === 403) {
    return new SourceFailed('denied', `${host} refuses our certificate (${status}).`);
  }
  if (status === 429) return new SourceFailed('throttled', `${host} asks to wait (429).`);
  if (status >= 500 || status === 408 || status === 425) {
    return new SourceFailed('error', `${host} answered ${status}.`);
  }
  return new AttachmentMissing('refused', `${host} answered ${status}.`);
}

/**
 * Returns an error if the host answers with a web page instead of the attachment: such a page is a
 * maintenance notice or a sign-in form.
 */
function otherThan(type: string, { headers }: Response, { host }: URL): SourceFailed | null {
  const isPage = /^text\/html\b/i.test(headers.get('content-type') ?? '');
  if (!isPage || type === '' || /html/i.test(type)) return null;
  return new SourceFailed('unreadable', `${host} answered with a web page instead of ${type}.`);
}

const tooLarge = ({ attachmentBytes }: MoveSettings, bytes: number): AttachmentMissing | null =>
  bytes > attachmentBytes
    ? new AttachmentMissing(
        'too-large',
        `It is larger than ${attachmentBytes / 1_000_000} MB, the limit ATTACHMENT_LIMIT_MB.`,
      )
    : null;

type Metered = {
  moves: MoveSettings;
  stop: AbortController;
  asFailure: (error: unknown) => unknown;
};

/**
 * Yields the chunks of a response, and throws when their total exceeds the size limit of an
 * attachment.
 */
async function* metered(
  { body }: Response,
  { moves, stop, asFailure }: Metered,
): AsyncGenerator<Uint8Array> {
  if (!body) return;
  const reader = body.getReader();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await untilSilent(stop, reader.read());
      if (done) return;
      bytes += value.length;
      const refusal = tooLarge(moves, bytes);
      if (refusal) throw refusal;
      yield value;
    }
  } catch (error) {
    throw asFailure(error);
  }
}

type Circumstances = { url: URL; signal: AbortSignal; stop: AbortSignal };

function failureOf(error: unknown, { url, signal, stop }: Circumstances): unknown {
  if (error instanceof AttachmentMissing || error instanceof SourceFailed) return error;
  if (signal.aborted) return new Stopping('The attachment is not needed any more');
  if (stop.reason === SILENT) return new SourceFailed('timeout', `${url.host} is silent.`);
  const { cause } = error as { cause?: { code?: string } };
  const isUnreachable = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|EPROTO|CERT|SSL/.test(
    cause?.code ?? '',
  );
  return isUnreachable
    ? new SourceFailed('unreachable', `${url.host} cannot be reached.`, { cause: error })
    : new SourceFailed('cut', `${url.host} broke the connection.`, { cause: error });
}
