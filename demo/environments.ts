import type { App } from '../src/environments/app.ts';

/** Opens the three environments of the demo. */
export type Environments = Record<'staging' | 'preprod' | 'production', App>;
