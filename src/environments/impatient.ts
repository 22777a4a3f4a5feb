import { timeouts } from '../database/timeouts.ts';
import { inTime } from '../in-time.ts';
import type { Redis } from './app.ts';

/**
 * Redis for pages with a timeout on every command, because the client itself waits for a silent server without end.
 */
export const impatient = (redis: Redis): Redis =>
  new Proxy(redis, {
    get: (client, name) => {
      const value: unknown = Reflect.get(client, name, client);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) => {
        const answer: unknown = Reflect.apply(value, client, given);
        return answer instanceof Promise ? inTime(timeouts.page, answer) : answer;
      };
    },
  });
