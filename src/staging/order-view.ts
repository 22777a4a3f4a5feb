// Prepares an order of a staging job for display: its state, its progress, and the result for each database.
import { count } from '../web/format.ts';
import type { DropResult, NamedResult } from './drop.ts';
import type { Order, OrderStatus } from './orders.ts';
import type { StagingJobState } from './staging-jobs.ts';

export const stateLooks: Record<StagingJobState, { icon: string; text: string }> = {
  draft: { icon: 'circle-minus', text: 'Draft' },
  running: { icon: 'loader', text: 'Running' },
  done: { icon: 'circle-check', text: 'Done' },
  error: { icon: 'circle-x', text: 'Error' },
  removed: { icon: 'circle-minus', text: 'Removed' },
};

const orderLooks: Record<OrderStatus, { icon: string; text: string }> = {
  asking: { icon: 'hourglass', text: 'Asking staging' },
  running: { icon: 'loader', text: 'Running' },
  done: { icon: 'circle-check', text: 'Done' },
  error: { icon: 'circle-x', text: 'Error' },
};

const resultTexts: Record<DropResult, string> = {
  dropped: 'Dropped',
  unknown: 'Not dropped: no database of this name was made by a staging job.',
  not_yours: 'Not dropped: it is another client’s, or of another level.',
  protected: 'Not dropped: it is protected. End its protection in staging, under Databases.',
  building: 'Not dropped: it is being worked on. Run the job again when that is over.',
  failed: 'Not dropped:',
};

export const orderView = (order: Order) => ({
  ...order,
  look: orderLooks[order.state],
  isLive: order.state === 'asking' || order.state === 'running',
  doing: doingText(order),
  progressText: progressText(order),
  results: resultsIn(order).map((one) => ({
    name: one.name,
    isDropped: one.result === 'dropped',
    text: [resultTexts[one.result], one.problem].filter(Boolean).join(' '),
  })),
});

const doingText = ({ state, step }: Order) =>
  state === 'asking' ? 'Asking staging' : step || 'Waiting for a worker';

const progressText = (order: Order) =>
  order.total_count > 0
    ? `${doingText(order)}: ${count(order.done_count)} of ${count(order.total_count)}`
    : doingText(order);

const resultsIn = ({ results }: Order): NamedResult[] =>
  results === null ? [] : (JSON.parse(results) as NamedResult[]);
