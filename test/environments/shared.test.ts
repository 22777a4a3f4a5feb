// Shared resources, such as connection pools, are opened once for all callers, closed when idle, and limited in number.
// These tests use no database.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Shared } from '../../src/environments/shared.ts';

let log: string[];
beforeEach(() => {
  log = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const resource = (name: string) => {
  log.push(`open ${name}`);
  return { name, close: async () => void log.push(`close ${name}`) };
};
const shared = (max = 2) => new Shared<ReturnType<typeof resource>>({ max, idleMs: 1000 });
const use = (pool: ReturnType<typeof shared>, name: string) => pool.use(name, () => resource(name));

test('simultaneous callers share one resource (such as a connection pool), which is closed some time after the last caller released it', async () => {
  const pool = shared();
  const uses = await Promise.all(Array.from({ length: 20 }, () => use(pool, 'a')));
  expect(new Set(uses.map((one) => one.resource)).size).toBe(1);
  for (const one of uses.slice(1)) one.release();
  await vi.advanceTimersByTimeAsync(5000);
  expect(log).toEqual(['open a']);
  uses[0]?.release();
  await vi.advanceTimersByTimeAsync(999);
  expect(log).toEqual(['open a']);
  await vi.advanceTimersByTimeAsync(1);
  expect(log).toEqual(['open a', 'close a']);
  await use(pool, 'a');
  expect(log).toEqual(['open a', 'close a', 'open a']);
});

test('an idle shared resource (such as a connection pool) is not closed once a new caller uses it', async () => {
  const pool = shared();
  (await use(pool, 'a')).release();
  await vi.advanceTimersByTimeAsync(900);
  const again = await use(pool, 'a');
  await vi.advanceTimersByTimeAsync(5000);
  again.release();
  expect(log).toEqual(['open a']);
});

test('releasing a shared resource (such as a connection pool) twice counts as one release', async () => {
  const pool = shared();
  const one = await use(pool, 'a');
  await use(pool, 'a');
  one.release();
  one.release();
  await vi.advanceTimersByTimeAsync(5000);
  expect(log).toEqual(['open a']);
});

test('the least recently used idle resource (such as a connection pool) is closed to make room for a new one', async () => {
  const pool = shared();
  (await use(pool, 'a')).release();
  (await use(pool, 'b')).release();
  (await use(pool, 'a')).release();
  await use(pool, 'c');
  expect(log).toEqual(['open a', 'open b', 'close b', 'open c']);
  expect(pool.count).toBe(2);
});

test('a shared resource (such as a connection pool) in use is never closed to make room; instead, opening another resource is refused', async () => {
  const pool = shared();
  await use(pool, 'a');
  const b = await use(pool, 'b');
  await expect(use(pool, 'c')).rejects.toMatchObject({ status: 503 });
  b.release();
  await use(pool, 'c');
  expect(log).toEqual(['open a', 'open b', 'close b', 'open c']);
});

test('at the limit, opening a shared resource (such as a connection pool) waits until an idle resource is closed', async () => {
  const pool = new Shared<{ close: () => Promise<void> }>({ max: 1, idleMs: 1000 });
  let finish = () => {};
  const slow = { close: () => new Promise<void>((resolve) => (finish = resolve)) };
  (await pool.use('slow', () => slow)).release();
  let isOpen = false;
  const next = pool.use('next', () => resource('next')).then(() => (isOpen = true));
  await vi.advanceTimersByTimeAsync(100);
  expect(isOpen).toBe(false);
  finish();
  await next;
  expect(isOpen).toBe(true);
});

test('a shared resource (such as a connection pool) that a caller discards is not given to later callers, and is closed after its last use', async () => {
  const pool = shared();
  const former = await use(pool, 'a');
  former.discard();
  const next = await use(pool, 'a');
  expect(next.resource).not.toBe(former.resource);
  former.release();
  expect(log).toEqual(['open a', 'open a', 'close a']);
  expect(pool.count).toBe(1);
});

test('shutdown closes every shared resource (such as a connection pool), even one in use, and opens none afterwards', async () => {
  const pool = shared();
  await use(pool, 'a');
  (await use(pool, 'b')).release();
  await pool.close();
  expect(log.toSorted()).toEqual(['close a', 'close b', 'open a', 'open b']);
  await expect(use(pool, 'a')).rejects.toMatchObject({ status: 503 });
});

test('a shared resource (such as a connection pool) that fails to close does not prevent the next one from opening', async () => {
  const pool = new Shared<{ close: () => Promise<void> }>({ max: 1, idleMs: 1000 });
  const broken = { close: () => Promise.reject(new Error('gone')) };
  (await pool.use('broken', () => broken)).release();
  await expect(pool.use('next', () => resource('next'))).resolves.toBeDefined();
});
