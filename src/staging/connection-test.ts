import { z } from 'zod';
import type { App } from '../environments/app.ts';
import { ask } from './ask.ts';
import type { StagingEnvironment } from './environments.ts';

/**
 * Tests the connection to a staging server: asks for the states of an empty list of orders. A valid response proves
 * that the URL and the token are right.
 * @throws Problem if the staging server does not respond, or refuses the token
 */
export const testConnection = (here: App, environment: StagingEnvironment) =>
  ask(here, environment, {
    path: '/bridge/orders/states',
    body: { orders: [] },
    answer: z.object({ orders: z.array(z.unknown()) }),
  });
