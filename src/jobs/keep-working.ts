// Starts BullMQ’s workers. If a connection breaks while a worker opens it, the worker’s later commands all fail at
// once: it would repeat them without a pause, keep the process from everything else, and never recover.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'bullmq';
import type { App } from '../environments/app.ts';

const AGAIN_MS = 1000;

/**
 * Runs the BullMQ worker that `open` makes (with `autorun: false`). If opening fails, makes another one, until one has
 * opened. Returns a function that stops it.
 */
export function keepWorking({ log }: App, open: () => Worker): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let worker = open();
  const begin = async () => {
    for (; !signal.aborted; worker = open()) {
      const isOpen = await worker.waitUntilReady().then(
        () => true,
        () => false,
      );
      if (signal.aborted) return;
      // Errors of a running worker are reported as events.
      if (isOpen) return void worker.run().catch(() => {});
      // The failed worker is not closed: closing would make it throw the next error of its connections, which ends
      // the process.
      log.warn('a worker was not opened and is opened again');
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
    }
  };
  void begin();
  return async () => {
    stopping.abort();
    await worker.close().catch(() => {});
  };
}
