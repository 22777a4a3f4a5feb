// Server-sent events: what a page shows live, second by second, as long as its person is signed in.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';

const BEAT_MS = 1000;

/** After how many beats (one a second) a stream checks whether its person is still signed in. */
const RECOGNISE_BEATS = 5;

/**
 * What a live page is sent: an object, and whether it is the last one, after which the stream ends. Null when there
 * is nothing to show any more.
 */
export type Beat = { data: object; isLast: boolean } | null;

/** Sends the answer of `beat` every second, until it says that it was the last. */
export async function sendEvents(req: Request, res: Response, beat: () => Promise<Beat>) {
  let isOpen = true;
  res.once('close', () => (isOpen = false));
  res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  for (let count = 0; isOpen && !req.house.halt.signal.aborted; count += 1) {
    if (count % RECOGNISE_BEATS === 0 && !(await req.isStillSignedIn())) break;
    const sent = await beat();
    if (sent === null) break;
    res.write(`data: ${JSON.stringify(sent.data)}\n\n`);
    if (sent.isLast) break;
    await sleep(BEAT_MS);
  }
  res.end();
}
