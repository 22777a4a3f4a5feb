export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/var/'],
  testSequencer: '<rootDir>/test/support/sequencer.js',
  testTimeout: 60_000,
  // The modules of finished test files stay in memory, and the garbage collector walks through them.
  workerIdleMemoryLimit: '700MB',
};
