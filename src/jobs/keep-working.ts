// BullMQ’s workers as they start. A connection that breaks while a worker opens it rejects every later command at
// once: the worker would repeat them without pause, keep the process from everything else, and never recover.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'bullmq';
import type { App } from '../environments/app.ts';

const AGAIN_MS = 1000;

/** Runs the worker that `open` makes without `autorun`, and replaces it until one has opened; returns a function that stops it. */
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
      // Its errors are events.
      if (isOpen) return void worker.run().catch(() => {});
      // It is left as it is: once closed, it would throw the next error of its connections, which ends the process.
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
