// Jest’s hooks, which exist only under jest: benchmarks and `bin/test --long` use the same support files without
// jest, where `@jest/globals` cannot be imported.
type Hooks = Pick<
  typeof import('@jest/globals'),
  'afterAll' | 'afterEach' | 'beforeAll' | 'beforeEach'
>;

export const { afterAll, afterEach, beforeAll, beforeEach } = globalThis as unknown as Hooks;

export const isJest = 'afterAll' in globalThis;
