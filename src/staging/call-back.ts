// Notifies the server that ordered a staging database when the database is ready or has failed. The outbox repeats this
// callback until that server acknowledges it.
import { fromSqlInstant, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as outbox from '../messages/outbox.ts';
import { v7 as uuid } from 'uuid';
import type { Copy } from './copies.ts';

/**
 * The state of an ordered staging database, as the staging server sends it to the server that ordered it: in a
 * callback, or in the response to a request about the order.
 */
export type OrderState = {
  order: string;
  state: 'running' | 'done' | 'error';
  name: string;
  step: string;
  done: number;
  total: number;
  problem: string | null;
  /** The time after which the staging database is dropped, in ISO 8601. */
  until: string | null;
  /** The URL of the page on which people open the staging database. */
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
