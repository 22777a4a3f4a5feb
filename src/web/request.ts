// What the middleware adds to every request, and small readers of request fields.
import type { Request } from 'express';
import { v7 as newUuid, validate as isUuid } from 'uuid';
import { z } from 'zod';
import { entityNamed } from '../catalog/index.ts';
import type { Entity } from '../catalog/entity.ts';
import { may, type Ability, type Account } from '../access/permissions.ts';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { Forbidden, NotFound } from '../problems.ts';
import type { Form } from './form/form.ts';
import type { Visitor } from './visitor.ts';

/** A copy (staging database) that a person works in. */
export type OpenedCopy = {
  name: string;
  client: string;
  /** The time at which production had the data that the copy shows. */
  dataAt: string;
  until: string | null;
};

/** Who calls the API of accounts: an app, for its own account, or a program with a key, for any. */
export type AccountCaller = { kind: 'app'; account: string } | { kind: 'key'; name: string };

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
      /**
       * The environment that the request works on: this server’s own one, or the staging database (copy) that the
       * browser has opened.
       */
      here: App;
      /**
       * This server’s own environment. People, sessions and messages are always in it, even while the request works on
       * a copy.
       */
      house: App;
      /**
       * The staging database (copy) that `here` is; undefined when the request works on this server’s own environment.
       */
      copy?: OpenedCopy;
      redis: Redis;
      /** What the signed cookie of a visitor’s browser contains. */
      visitor: Visitor;
      account?: Account;
      /**
       * Asks the session store and the database again, during a long request, whether the person is still signed in.
       */
      isStillSignedIn(): Promise<boolean>;
      /** The API key with which the request was authenticated. */
      apiKey?: { name: string; scopes: string[] };
      /** Who calls, on routes of the API of accounts. */
      caller?: AccountCaller;
      /** The queue that handlers add jobs to. */
      line: { push(job: QueuedJob): Promise<void> };
    }
  }
}

declare module 'express-session' {
  interface SessionData {
    personId: number;
    /** A text that changes with the person’s password, so that a new password ends the session. */
    credential: string;
    csrf: string;
    /** When the person signed in, in milliseconds since 1970; the session ends 12 hours later. */
    startedAt: number;
  }
}

/** The signed-in person, for routes that require one. */
export function accountOf(req: Request): Account {
  if (!req.account) throw new Forbidden('Sign in first.');
  return req.account;
}

/** Whether the signed-in person may do this here; false for everyone else. */
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

/** Parses `/catalog/:entity/:id` into an entity and an id. */
export function addressed(req: Request): { entity: Entity; id: number } {
  const entity = entityNamed(String(req.params['entity']));
  const id = idSchema.safeParse(req.params['id']);
  if (!id.success)
    throw new NotFound(`There is no ${entity.label.one.toLowerCase()} with that ID.`);
  return { entity, id: id.data };
}

export const numberOrNull = (value: unknown): number | null =>
  idSchema.safeParse(value).data ?? null;

/** One text from a query or body; empty when it is missing or given twice. */
export function textIn(from: unknown, name: string): string {
  const value = (from as Record<string, unknown> | undefined)?.[name];
  // People never type NUL, and databases treat it differently.
  return typeof value === 'string' ? value.replaceAll('\0', '').trim() : '';
}

/** Returns a path of this server; `otherwise` for any other address, so that no redirect leaves this server. */
export const localPath = (path: string, otherwise: string): string =>
  /^\/(?![/\\])[^\s\\]*$/.test(path) ? path : otherwise;

/**
 * The idempotency key of a form, by which a repeated post is recognised. A form without a valid key gets a new one.
 */
export function idempotencyKeyIn(form: Form): { key: string; isKey: boolean } {
  const key = form.text('idempotency_key');
  return isUuid(key) ? { key, isKey: true } : { key: newUuid(), isKey: key === '' };
}
