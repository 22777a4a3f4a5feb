// Jest's hooks. Programs that kill or measure open the same environments without jest, where nothing calls them.
import type * as jest from '@jest/globals';

export const { afterAll, beforeAll, beforeEach } = globalThis as unknown as Pick<
  typeof jest,
  'afterAll' | 'beforeAll' | 'beforeEach'
>;
