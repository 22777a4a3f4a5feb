// What the pipeline adds to every request, and small readers of its fields.
import type { Request } from 'express';
import { v7 as newUuid, validate as isUuid } from 'uuid';
import { z } from 'zod';
import { entityNamed } from '../catalog/index.ts';
import type { Entity } from '../catalog/entity.ts';
import { may, type Ability, type Account } from '../access/permissions.ts';
import type { App, Redis } from '../environments/app.ts';
import { Forbidden, NotFound } from '../problems.ts';
import type { Form } from './form/form.ts';
import type { Visitor } from './visitor.ts';

type QueuedJob = {
  id: string;
  attempt: number;
  kind: string;
  priority: 'high' | 'normal' | 'low' | null;
  run_at: string | null;
};

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- Express is extended through its namespace
  namespace Express {
    interface Request {
      here: App;
      redis: Redis;
      /** What a signed cookie remembers of this browser. */
      visitor: Visitor;
      account?: Account;
      /** Asks the session store and the database again. */
      isStillSignedIn(): Promise<boolean>;
      /** The API key of the caller. */
      apiKey?: { name: string; scopes: string[] };
      /** The job queue. */
      line: { push(job: QueuedJob): Promise<void> };
    }
  }
}

declare module 'express-session' {
  interface SessionData {
    personId: number;
    /** Identifies the password that was used to sign in. */
    credential: string;
    csrf: string;
    /** When the person signed in. */
    startedAt: number;
  }
}

/** The signed-in person, for routes that require one. */
export function accountOf(req: Request): Account {
  if (!req.account) throw new Forbidden('Sign in first.');
  return req.account;
}

/** What the signed-in person may do here; nobody who is not signed in may do anything. */
export const can = ({ account, here }: Request, ability: Ability): boolean =>
  account !== undefined && may(account, ability, here.setup);

export const authorOf = (req: Request) => {
  const { email, permissions } = accountOf(req);
  return { email, isProductManager: permissions.includes('product_manager') };
};

const idSchema = z
  .string()
  .regex(/^[1-9]\d{0,15}$/)
  .transform(Number);

/** `/catalog/:entity/:id` as an entity and an id. */
export function addressed(req: Request): { entity: Entity; id: number } {
  const entity = entityNamed(String(req.params['entity']));
  const id = idSchema.safeParse(req.params['id']);
  if (!id.success)
    throw new NotFound(`There is no ${entity.label.one.toLowerCase()} with that ID.`);
  return { entity, id: id.data };
}

export const numberOrNull = (value: unknown): number | null =>
  idSchema.safeParse(value).data ?? null;

/** One text out of a query or a body; empty when it is missing or given twice. */
export function textIn(from: unknown, name: string): string {
  const value = (from as Record<string, unknown> | undefined)?.[name];
  // NUL is never typed, and databases disagree about it.
  return typeof value === 'string' ? value.replaceAll('\0', '').trim() : '';
}

/** A path of this server, otherwise `otherwise`: redirects never leave the server. */
export const localPath = (path: string, otherwise: string): string =>
  /^\/(?![/\\])[^\s\\]*$/.test(path) ? path : otherwise;

/** The key by which a form that is sent twice is known; another one when it has none of ours. */
export function idempotencyKeyIn(form: Form): { key: string; isKey: boolean } {
  const key = form.text('idempotency_key');
  return isUuid(key) ? { key, isKey: true } : { key: newUuid(), isKey: key === '' };
}
