// Sends server-sent events, with which a page updates itself every second while its viewer is signed in.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';

const BEAT_MS = 1000;

/**
 * After this many events (one per second), a stream checks whether its viewer is still signed in.
 */
const RECOGNISE_BEATS = 5;

/**
 * An event for a live page: the data to show, and whether this event is the last, after which the
 * stream ends. Null ends the stream at once, because there is nothing more to show.
 */
export type Beat = { data: object; isLast: boolean } | null;

/**
 * Sends the result of `beat` to the page every second, until `beat` returns the last event, the
 * viewer signs out, or the server stops.
 */
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
