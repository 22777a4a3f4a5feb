// The rows that a user chose on a list for an action on many rows: ticked ones, or all that the filters find.
import { parse } from 'node:querystring';
import type { Request } from 'express';
import { keyText, type Entity, type RowKey } from '../catalog/entity.ts';
import { Invalid } from '../problems.ts';
import { parseKeys } from '../sheet/posted-keys.ts';
import { count } from '../web/format.ts';
import { accountOf } from '../web/request.ts';
import { returnOf } from '../web/return.ts';
import { zoneOf } from '../web/viewer.ts';
import { mostFor } from './bulk-actions.ts';
import { allIds } from './list-query.ts';
import { parseListState } from './list-state.ts';
import { withTicked } from './ticked.ts';

export const isEverything = (req: Request) => req.form.text('everything') === 'yes';

/** @throws Invalid if no row is chosen, or more than one action may change */
export async function chosenKeys(req: Request, entity: Entity): Promise<RowKey[]> {
  const keys = isEverything(req)
    ? await everyKey(req, entity)
    : parseKeys(req.form.texts('rows')).filter((key) => key.entity === entity.name);
  if (keys.length === 0)
    throw new Invalid({ rows: 'Choose at least one row: go back and tick it.' });
  const most = mostFor(req);
  if (keys.length <= most) return keys;
  throw new Invalid({
    rows: `${count(keys.length)} rows are chosen, and one action can change ${count(most)} at most. Narrow the list with its filters.`,
  });
}

async function everyKey(req: Request, entity: Entity): Promise<RowKey[]> {
  const state = parseListState(entity, parse(req.form.text('query')), zoneOf(req));
  const ids = await allIds(req.here, entity, state, accountOf(req).email);
  return ids.map((id) => ({ entity: entity.name, id }));
}

/** The hidden inputs of a form. */
export type Sent = { name: string; value: string }[];

/** Returns the hidden inputs with which the next page finds the chosen rows again. */
export const chosenAgain = (req: Request, keys: RowKey[]): Sent =>
  isEverything(req)
    ? [
        { name: 'everything', value: 'yes' },
        { name: 'query', value: req.form.text('query') },
      ]
    : keys.map((key) => ({ name: 'rows', value: keyText(key) }));

/** Returns the URL of the list on which the rows were chosen. */
export const listOf = (req: Request, { name }: Entity): string =>
  returnOf(req) || `/catalog/${name}`;

/** Returns the URL of that list with the rows ticked again. */
export const listWith = (req: Request, entity: Entity, keys: RowKey[]): string =>
  withTicked(
    listOf(req, entity),
    keys.map(({ id }) => id),
  );
