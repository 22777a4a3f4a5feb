// Shares resources that are costly to open, such as connection pools. Callers that use the same resource at the same
// time share it; the resource is closed after some time without use. The number of open resources is limited.
import { Unavailable } from '../problems.ts';

type Closable = { close: () => Promise<void> };
type Entry<T> = {
  resource: T;
  /**
   * Resolves when the resources that had to be closed to stay within the limit are closed. If this resource were used
   * earlier, too many resources would be open.
   */
  ready: Promise<unknown>;
  users: number;
  idle?: NodeJS.Timeout;
};

export type SharedLimits = { max: number; idleMs: number };

/**
 * One use of a shared resource. Call `release` once when done. `discard` prevents later callers
 * from getting this resource, for example because its database was dropped.
 */
export type Use<T> = { resource: T; release: () => void; discard: () => void };

export class Shared<T extends Closable> {
  readonly #limits: SharedLimits;
  /** Resources by key, the least recently used first. */
  readonly #entries = new Map<string, Entry<T>>();
  /** All open resources, including discarded ones still in use. */
  readonly #open = new Set<Entry<T>>();
  readonly #closing = new Set<Promise<void>>();
  #isClosed = false;

  constructor(limits: SharedLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#open.size;
  }

  /**
   * Returns the resource with this key, and opens it if necessary.
   * @throws Unavailable when the allowed number of resources is in use
   */
  async use(key: string, open: () => T): Promise<Use<T>> {
    const entry = this.#entries.get(key) ?? this.#begin(key, open);
    entry.users += 1;
    clearTimeout(entry.idle);
    await entry.ready;
    let isReleased = false;
    return {
      resource: entry.resource,
      release: () => {
        if (!isReleased) this.#release(key, entry);
        isReleased = true;
      },
      discard: () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    };
  }

  async close() {
    this.#isClosed = true;
    for (const entry of this.#open) this.#close(entry);
    this.#entries.clear();
    await Promise.all(this.#closing);
  }

  #begin(key: string, open: () => T): Entry<T> {
    if (this.#isClosed) throw new Unavailable('This server is stopping. Try again in a moment.');
    if (this.#entries.size >= this.#limits.max) this.#closeLeastRecentlyUsed();
    const entry = { resource: open(), ready: Promise.all(this.#closing), users: 0 };
    this.#entries.set(key, entry);
    this.#open.add(entry);
    return entry;
  }

  #closeLeastRecentlyUsed() {
    for (const [key, entry] of this.#entries) {
      if (entry.users === 0) {
        this.#entries.delete(key);
        this.#close(entry);
        return;
      }
    }
    throw new Unavailable(
      `${this.#limits.max} databases are in use at the moment. Try again in a moment.`,
    );
  }

  #release(key: string, entry: Entry<T>) {
    entry.users -= 1;
    if (entry.users > 0 || !this.#open.has(entry)) return;
    if (this.#entries.get(key) === entry) {
      // Moves the resource to the end of the map: it is the most recently used one.
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      entry.idle = setTimeout(() => {
        this.#entries.delete(key);
        this.#close(entry);
      }, this.#limits.idleMs).unref();
    } else {
      this.#close(entry);
    }
  }

  #close(entry: Entry<T>) {
    clearTimeout(entry.idle);
    this.#open.delete(entry);
    const closed: Promise<void> = entry.resource
      .close()
      // A resource that fails to close is broken anyway, so a caller that waits for it to close may
      // go on.
      .catch(() => {})
      .finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}
