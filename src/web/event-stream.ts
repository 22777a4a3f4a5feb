// Server-sent events: what a page shows live, second by second, as long as its person is signed in.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';

const BEAT_MS = 1000;

/** How often a stream asks whether its person is still signed in. */
const RECOGNISE_BEATS = 5;

/** What is sent; after the last one the stream ends. Null: there is nothing to show any more. */
export type Beat = { data: object; isLast: boolean } | null;

/** Sends what `beat` answers every second, until it says that this was the last. */
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
