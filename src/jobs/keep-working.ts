// Starts BullMQ workers. A worker whose connection breaks while it opens never recovers: it repeats its failing
// commands without a pause and blocks the process. Such a worker is replaced by a new one.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'bullmq';
import type { App } from '../environments/app.ts';

const AGAIN_MS = 1000;

/**
 * Runs the BullMQ worker that `open` creates (with `autorun: false`). If the worker cannot open its
 * connections, creates another worker, until one succeeds. Returns a function that stops the
 * worker.
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
      // A running worker reports its errors as events, so this promise needs no handling.
      if (isOpen) return void worker.run().catch(() => {});
      // The failed worker is not closed: it would then throw the next error of its connections, and
      // the error would end the process.
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
