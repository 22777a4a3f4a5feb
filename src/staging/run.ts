// Runs staging jobs: sends their orders (to make or drop staging databases) to the staging server, asks for the
// progress of the orders, and receives callbacks. A lost response or callback only delays an order, because this server
// asks again.
import { z } from 'zod';
import { fromSqlInstant } from '../database/sql.ts';
import { failpoint } from '../database/failpoints.ts';
import type { App } from '../environments/app.ts';
import { reasonOf } from '../environments/unreachable.ts';
import { NotFound, Unavailable } from '../problems.ts';
import { ask } from './ask.ts';
import { BridgeProblem } from './bridge-problem.ts';
import { dropResults } from './drop.ts';
import * as environments from './environments.ts';
import { namesIn } from './names.ts';
import * as orders from './orders.ts';
import type { Ending, Order } from './orders.ts';
import * as stagingJobs from './staging-jobs.ts';
import type { StagingJob } from './staging-jobs.ts';

/** After this many hours without a response of the staging server, an order ends with an error. */
const SILENT_HOURS = 6;

const acknowledged = z.object({ name: z.string().max(63) });
const orderStates = z.object({
  orders: z.array(
    z.object({
      order: z.string(),
      state: z.enum(['running', 'done', 'error', 'unknown']),
      name: z.string().default(''),
      step: z.string().default(''),
      done: z.number().default(0),
      total: z.number().default(0),
      problem: z.string().nullish(),
      until: z.iso.datetime().nullish(),
      url: z.string().nullish(),
    }),
  ),
});
type StateThere = z.infer<typeof orderStates>['orders'][number];
const dropped = z.object({
  results: z.array(
    z.object({
      name: z.string(),
      result: z.enum(dropResults),
      problem: z.string().nullable().default(null),
    }),
  ),
});

/**
 * Runs a staging job when a person clicks *Run*: records an order and sends it at once, so that the
 * page can show the name of the future database.
 */
export async function runJob(here: App, number: number, person: string): Promise<void> {
  const job = await stagingJobs.known(here.sql, number);
  const order = await orders.record(here, number, person);
  await failpoint('order recorded');
  await send(here, job, order);
}

/**
 * Sends an order to the staging server. If the server refuses the order, the order ends with the
 * reason that the server gives.
 */
async function send(here: App, job: StagingJob, order: Order): Promise<void> {
  try {
    const environment = await environments.known(here.sql, job.environment);
    if (job.type === 'drop') await sendDrop(here, environment, { job, order });
    else await sendNew(here, environment, { job, order });
  } catch (error) {
    await keepOrEnd(here, order, error);
  }
}

type Sent = { job: StagingJob; order: Order };

async function sendNew(
  here: App,
  environment: environments.StagingEnvironment,
  { job, order }: Sent,
) {
  const own = here.settings.urls[here.name];
  const { name } = await ask(here, environment, {
    path: '/bridge/orders',
    body: {
      order: order.id,
      client: job.client,
      level: job.level,
      timestamp: job.has_timestamp === 1,
      suffix: job.suffix,
      replace: job.replaces === 1,
      person: order.person,
      // If the settings contain no URL of this server, the staging server cannot call back. This server then learns
      // only by asking how the order has ended.
      callback: own ? { url: `${own}/bridge/callbacks`, key: orders.keyOf(here, order.id) } : null,
    },
    answer: acknowledged,
  });
  await failpoint('order sent');
  await orders.acknowledge(here.sql, order, name);
}

async function sendDrop(
  here: App,
  environment: environments.StagingEnvironment,
  { job, order }: Sent,
) {
  const { results } = await ask(here, environment, {
    path: '/bridge/drops',
    body: {
      client: job.client,
      level: job.level,
      person: order.person,
      names: namesIn(job.database_names),
    },
    answer: dropped,
  });
  const left = results.filter(({ result }) => result !== 'dropped').length;
  const problem = left > 0 ? `${left} of ${results.length} databases were not dropped.` : null;
  await orders.end(here, order, { state: problem ? 'error' : 'done', problem, results });
}

/**
 * Handles an error of an HTTP request to the staging server about an order. After an error that may pass, the request
 * is sent again later. After any other error, or six hours without a response, the order ends with an error.
 */
async function keepOrEnd(here: App, order: Order, error: unknown) {
  const problem = reasonOf(error);
  const since = fromSqlInstant(order.answered_at ?? order.created_at);
  const isPassing = error instanceof Unavailable;
  if (!isPassing && !(error instanceof BridgeProblem)) {
    here.log.warn({ err: error, order: order.id }, 'an order was not sent');
  }
  if (isPassing && Date.now() - Date.parse(since) < SILENT_HOURS * 60 * 60 * 1000) {
    await orders.postpone(here.sql, order, problem);
    return;
  }
  const silent = `Staging has not answered since ${since}: ${problem}`;
  await orders.end(here, order, { state: 'error', problem: isPassing ? silent : problem });
}

/**
 * Sends the orders again that the staging server has not acknowledged, and asks for the progress of
 * running orders: every few seconds at first, then less and less often.
 */
export async function askAboutOrders(here: App): Promise<void> {
  for (const order of await orders.due(here.sql)) {
    const job = await stagingJobs.known(here.sql, order.job);
    if (order.state === 'asking') await send(here, job, order);
    else await askAbout(here, job, order);
  }
}

async function askAbout(here: App, job: StagingJob, order: Order) {
  try {
    const environment = await environments.known(here.sql, job.environment);
    const answer = await ask(here, environment, {
      path: '/bridge/orders/states',
      body: { orders: [order.id] },
      answer: orderStates,
    });
    await take(here, order, answer.orders[0] ?? null);
  } catch (error) {
    await keepOrEnd(here, order, error);
  }
}

async function take(here: App, order: Order, there: StateThere | null) {
  if (there === null || there.state === 'unknown') {
    await orders.end(here, order, {
      state: 'error',
      problem: 'Staging does not know this order any more. Run the job again.',
    });
  } else if (there.state === 'running') {
    await orders.keepProgress(here.sql, order, there);
  } else {
    await orders.end(here, order, { ...there, state: there.state });
  }
}

export type Callback = { order: string; key: string } & Omit<Ending, 'results'>;

/**
 * Handles the callback with which the staging server reports the end of an order. The same callback
 * may arrive more than once.
 * @throws NotFound if the order does not exist, or if the key is not the key of this order
 */
export async function takeCallback(here: App, { order: id, key, ...ending }: Callback) {
  const order = await orders.byId(here.sql, id);
  if (!order || !orders.isKeyOf(here, id, key)) throw new NotFound('There is no such order.');
  await orders.end(here, order, ending);
}
