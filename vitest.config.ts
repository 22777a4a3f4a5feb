import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/sequencer.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/before-file.ts'],
    // Support files use hooks that exist only in a test run: see test/support/hooks.ts.
    globals: true,
    // The files of a worker share its loaded modules, and Node loads them as it does in production. Loading all modules
    // anew for each file took a third of the suite’s time.
    pool: 'forks',
    isolate: false,
    experimental: { viteModuleRunner: false },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    slowTestThreshold: 60_000,
    sequence: { sequencer: LongestFirst, hooks: 'list' },
  },
});
