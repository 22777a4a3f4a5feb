import { z } from 'zod';
import type { App } from '../environments/app.ts';
import { ask } from './ask.ts';
import type { StagingEnvironment } from './environments.ts';

/**
 * Asks a staging server about an order that does not exist: any answer proves that its address and token are right.
 * @throws Problem when it does not answer, or refuses the token
 */
export const testConnection = (here: App, environment: StagingEnvironment) =>
  ask(here, environment, {
    path: '/bridge/orders/states',
    body: { orders: [] },
    answer: z.object({ orders: z.array(z.unknown()) }),
  });
