// Answers the requests of apps to the API: pages of changed rows, single rows and images.
import type { NextFunction, Request, Response } from 'express';
import { z } from 'zod';
import { bearerIn, countWrongBearers, holderOf, WrongBearer } from '../access/bearer.ts';
import { covers, LacksScope } from '../access/scopes.ts';
import type { Entity } from '../catalog/entity.ts';
import { catalog, entityNamed } from '../catalog/index.ts';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { Invalid, NotFound } from '../problems.ts';
import { itemAt, pageOf, START, type Place } from './feed.ts';
import * as keys from './keys.ts';
import { LIMIT } from './openapi.ts';
import { readableItems } from './secrets.ts';
import { object as sendObject } from '../web/handlers.ts';

/**
 * Returns the middleware that authenticates a request by the key in `Authorization: Bearer …`; handlers check the
 * scopes of the key later. Wrong keys are counted by IP address, and an address that sends too many is answered with
 * 429. A valid key always works, because apps may share an IP address.
 */
export function needKey(here: App, redis: Redis) {
  const countWrong = countWrongBearers(here, redis);
  return async function needKey(req: Request, res: Response, next: NextFunction) {
    try {
      req.apiKey = await holderOf(req.here.sql, bearerIn(req.get('Authorization')));
    } catch (error) {
      if (error instanceof WrongBearer) {
        await countWrong(req, error);
        res.set('WWW-Authenticate', error.challenge);
      }
      throw error;
    }
    next();
  };
}

function readable(req: Request, res: Response): Entity {
  const entity = entityNamed(String(req.params['entity']));
  const scope = keys.scopeOf(entity.name);
  if (!req.apiKey || !covers(req.apiKey.scopes, scope)) {
    throw lacking(res, scope);
  }
  return entity;
}

/**
 * Serves an image to an app whose API key may read any entity with images. The handler need not
 * check which entity uses the image. The name of an image is a hash of its content, so an app can
 * know the name only from a row that it has read.
 */
export async function object(req: Request, res: Response) {
  const scopes = entitiesWithImages.map(({ name }) => keys.scopeOf(name));
  if (!scopes.some((scope) => covers(req.apiKey?.scopes ?? [], scope))) {
    throw lacking(res, scopes[0] ?? keys.scopeOf(keys.EVERYTHING));
  }
  await sendObject(req, res);
}

const entitiesWithImages = catalog.filter(({ fields }) =>
  Object.values(fields).some(({ kind }) => kind === 'image'),
);

function lacking(res: Response, scope: string): LacksScope {
  res.set('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${scope}"`);
  return new LacksScope(scope);
}

const whole = z
  .string()
  .regex(/^\d{1,17}$/, 'must be a whole number')
  .refine((text) => !(Number(text) > Number.MAX_SAFE_INTEGER), 'is too large');
/** The range of timestamps that both databases can store. */
const [earliest, latest] = [new Date(START.modifiedAfter), new Date('9999-01-01T00:00:00.000Z')];
const storable = (at: Date) => (at < earliest ? earliest : at > latest ? latest : at);

const instant = z.iso
  .datetime({ offset: true, error: 'must be an instant such as 2026-11-21T09:30:00.000Z' })
  .transform((text) => storable(new Date(text)).toISOString());

const querySchema = z.strictObject({
  modified_after: instant.optional(),
  after: whole.transform(Number).optional(),
  certain_up_to: instant.optional(),
  limit: whole
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= LIMIT, `must be from 1 to ${LIMIT}`)
    .default(100),
});

/**
 * Parses the parameters of a page of the feed.
 * @throws Invalid with the name of the wrong parameter and the values it may have
 */
function queried(query: unknown): { from: Place; limit: number } {
  const { data, error } = querySchema.safeParse(query);
  if (!data) {
    const lines = error.issues.map(({ path, message }) => [
      String(path[0] ?? 'query'),
      `${String(path[0] ?? 'The query:')} ${message}`,
    ]);
    throw new Invalid(Object.fromEntries(lines) as Record<string, string>);
  }
  const { modified_after: modifiedAfter, after, certain_up_to: certainUpTo = null, limit } = data;
  const from =
    modifiedAfter === undefined
      ? { ...START, after: after ?? 0 }
      : // Without `after`, every item with exactly this timestamp counts as already read.
        { modifiedAfter, after: after ?? Number.MAX_SAFE_INTEGER };
  return { from: { ...from, certainUpTo }, limit };
}

export async function list(req: Request, res: Response) {
  const entity = readable(req, res);
  const { from, limit } = queried(req.query);
  const { items: found, next, isMore } = await pageOf(req.here, entity, from, limit);
  const items = await readableItems(req.here, entity, found, req.apiKey?.scopes ?? []);
  const query = new URLSearchParams({
    modified_after: next.modifiedAfter,
    after: String(next.after),
    limit: String(limit),
    ...(next.certainUpTo === null ? {} : { certain_up_to: next.certainUpTo }),
  });
  const href = `/api/v1/${entity.name}?${query.toString()}`;
  if (isMore) res.set('Link', `<${href}>; rel="next"`);
  res.json({
    items,
    next: { modified_after: next.modifiedAfter, after: next.after, href },
    more: isMore,
  });
}

export async function show(req: Request, res: Response) {
  const entity = readable(req, res);
  const text = String(req.params['id']);
  const id = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0;
  const item = await itemAt(req.here, entity, id);
  if (!item) throw new NotFound(`There is no ${entity.name} ${text}.`);
  const [shown] = await readableItems(req.here, entity, [item], req.apiKey?.scopes ?? []);
  res.status(item.deleted ? 410 : 200).json(shown);
}
