import { timeouts } from '../database/timeouts.ts';
import { inTime } from '../in-time.ts';
import type { Redis } from './redis.ts';

/**
 * Wraps a Redis client so that every command has a timeout. The client itself would wait for a silent server forever,
 * and so would the page that runs the command.
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
