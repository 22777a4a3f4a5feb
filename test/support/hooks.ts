// Exports the hooks of vitest without importing vitest, because that import fails outside a test run. Benchmarks and
// `bin/test --long` use the same support files, and there the hooks are undefined.
type Hooks = Pick<typeof import('vitest'), 'afterAll' | 'afterEach' | 'beforeAll' | 'beforeEach'>;

export const { afterAll, afterEach, beforeAll, beforeEach } = globalThis as unknown as Hooks;
