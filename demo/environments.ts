import type { App } from '../src/environments/app.ts';

/** The three environments of the demo, opened. */
export type Environments = Record<'staging' | 'preprod' | 'production', App>;
