// Remembered results of queries: no page waits long for a new one, and a slow query is not repeated all the time.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { forgetCached } from '../../src/database/cached-for.ts';
import { lastKnown } from '../../src/database/last-known.ts';
import type { Queryable } from '../../src/database/sql.ts';

/** Stands in for a query of a database, and counts how often the query is run. */
function counter(milliseconds = 0) {
  const on = {} as Queryable;
  const state = { asked: 0, fails: false };
  const ask = async () => {
    state.asked += 1;
    const answer = state.asked;
    if (milliseconds > 0) await sleep(milliseconds);
    if (state.fails) throw new Error('It does not answer');
    return answer;
  };
  return { state, known: (patience: number) => lastKnown(on, 'a number', patience, ask) };
}

test('the remembered result of a query is returned until this process changes what is known of rows (their sync state)', async () => {
  const { state, known } = counter();
  expect((await known(1000))?.answer).toBe(1);
  expect((await known(1000))?.answer).toBe(1);
  forgetCached();
  expect((await known(1000))?.answer).toBe(2);
  expect(state.asked).toBe(2);
});

test('callers get the last result of a slow query without waiting for a newer one, and simultaneous callers share one query', async () => {
  const { state, known } = counter(120);
  expect(await Promise.all([known(10), known(10)])).toEqual([null, null]);
  await sleep(150);
  const first = await known(10);
  expect(first?.answer).toBe(1);
  forgetCached();
  expect(await known(10)).toEqual(first);
  expect(state.asked).toBe(2);
});

test('after a failed query its last result is returned, and the next caller repeats the query', async () => {
  const { state, known } = counter();
  const first = await known(1000);
  state.fails = true;
  forgetCached();
  expect(await known(1000)).toEqual(first);
  state.fails = false;
  expect((await known(1000))?.answer).toBe(3);
});

test('a slow query (300 ms) is not repeated each time this process changes what is known of rows (their sync state)', async () => {
  const { state, known } = counter(300);
  await known(1000);
  for (let write = 0; write < 5; write += 1) {
    forgetCached();
    await known(1000);
  }
  expect(state.asked).toBe(1);
});
