// Exports jest’s hooks without importing `@jest/globals`, because that import fails outside jest. Benchmarks and
// `bin/test --long` use the same support files outside jest, where the hooks are undefined.
type Hooks = Pick<
  typeof import('@jest/globals'),
  'afterAll' | 'afterEach' | 'beforeAll' | 'beforeEach'
>;

export const { afterAll, afterEach, beforeAll, beforeEach } = globalThis as unknown as Hooks;

export const isJest = 'afterAll' in globalThis;
