// Chooses how many items one request has, so that a slow server still answers each request well within its time limit.
import { timeouts } from './timeouts.ts';

/** The number of items in the first request, when the speed of the server is not known yet. */
const FIRST = 50;
/** A request should take no more than this share of the time after which the server counts as silent. */
const SHARE = 0.1;
/** The number of items grows and shrinks by at most this factor from one request to the next. */
const FACTOR = 10;

export class Pace {
  #size = FIRST;

  /** How many items the next request may have; callers have their own upper limits. */
  get size(): number {
    return this.#size;
  }

  /** Sends a request with `count` items, and chooses the size of the next one by the time that this one takes. */
  async time<T>(count: number, request: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      const answer = await request();
      this.#choose(count, performance.now() - begun);
      return answer;
    } catch (error) {
      // After a failed request, the next request has fewer items, because the server may have been too slow.
      this.#choose(count, Infinity);
      throw error;
    }
  }

  #choose(count: number, milliseconds: number) {
    const fitting = (count * timeouts.statement * SHARE) / milliseconds;
    const [least, most] = [count / FACTOR, Math.max(count, this.#size) * FACTOR];
    this.#size = Math.min(Math.max(Math.floor(Math.max(fitting, least)), 1), most);
  }
}
