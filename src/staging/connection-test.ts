import { z } from 'zod';
import type { App } from '../environments/app.ts';
import { ask } from './ask.ts';
import type { StagingEnvironment } from './environments.ts';

/**
 * Asks a staging server about no order at all: if it answers, its address and the token are right.
 * @throws Problem when it does not
 */
export const testConnection = (here: App, environment: StagingEnvironment) =>
  ask(here, environment, {
    path: '/bridge/orders/states',
    body: { orders: [] },
    answer: z.object({ orders: z.array(z.unknown()) }),
  });
