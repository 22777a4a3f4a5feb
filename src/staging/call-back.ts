// Tells the server that ordered a copy that it is ready, or that it failed. The outbox repeats that until it is
// acknowledged.
import { fromSqlInstant, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as outbox from '../messages/outbox.ts';
import { v7 as uuid } from 'uuid';
import type { Copy } from './copies.ts';

/** The state of an order, as the server that ordered learns it: by a callback, or when it asks. */
export type OrderState = {
  order: string;
  state: 'running' | 'done' | 'error';
  name: string;
  step: string;
  done: number;
  total: number;
  problem: string | null;
  /** Until when the copy is kept, in ISO 8601. */
  until: string | null;
  /** The URL at which the copy is opened. */
  url: string | null;
};

export function stateOf(
  here: App,
  copy: Copy,
  progress: Pick<OrderState, 'step' | 'done' | 'total'>,
): OrderState {
  const base = here.settings.urls[here.name];
  return {
    order: copy.id,
    state: stateFor(copy),
    name: copy.name,
    ...progress,
    problem: copy.problem,
    until: copy.until && fromSqlInstant(copy.until),
    url: base === undefined ? null : `${base}/databases/${copy.name}`,
  };
}

function stateFor({ state }: Copy): OrderState['state'] {
  if (state === 'building') return 'running';
  return state === 'failed' ? 'error' : 'done';
}

export async function callBack(here: App, on: Queryable, copy: Copy): Promise<void> {
  const { callback_url: url, callback_key: key } = copy;
  if (url === null || key === null) return;
  const { row_count: total } = copy;
  const state = stateOf(here, copy, { step: '', done: total, total });
  await outbox.add(on, {
    messageId: uuid(),
    event: 'copy.ended',
    channel: 'callback',
    recipient: url,
    subject: `${copy.name} ${copy.state === 'failed' ? 'failed' : 'is ready'}`,
    body: JSON.stringify({ ...state, key }),
    href: null,
    transfer: null,
  });
}
