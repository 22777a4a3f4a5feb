// Declares what the middleware adds to every request, and reads values from requests.
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

/** The copy (staging database) that a person has opened and works in. */
export type OpenedCopy = {
  name: string;
  client: string;
  /** The time at which production had the data that the copy contains. */
  dataAt: string;
  until: string | null;
};

/**
 * The caller of the API of accounts and their migrations: an app, which may use only its own account, or a program
 * with an API key, which may use any account.
 */
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
       * The environment that the request reads and changes: this server’s own environment, or the
       * copy (staging database) that the browser has opened.
       */
      here: App;
      /**
       * This server’s own environment. Accounts, sessions and messages are always stored in its databases, even if the
       * request works on a copy.
       */
      house: App;
      /**
       * The copy (staging database) that the browser has opened; undefined if the request works on
       * this server’s own environment.
       */
      copy?: OpenedCopy;
      redis: Redis;
      /** The content of the signed visitor cookie that the browser sent. */
      visitor: Visitor;
      account?: Account;
      /**
       * Checks in the session store and the database whether the person is still signed in. Long
       * requests such as event streams call this again and again.
       */
      isStillSignedIn(): Promise<boolean>;
      /** The API key with which the request was authenticated. */
      apiKey?: { name: string; scopes: string[] };
      /** The caller of the API of accounts and their migrations; undefined on other routes. */
      caller?: AccountCaller;
      /** The queue to which handlers add jobs. */
      line: { push(job: QueuedJob): Promise<void> };
    }
  }
}

declare module 'express-session' {
  interface SessionData {
    personId: number;
    /**
     * A text that changes when the person’s password changes, so that a new password ends the
     * session.
     */
    credential: string;
    csrf: string;
    /** When the person signed in, in milliseconds since 1970; the session ends 12 hours later. */
    startedAt: number;
  }
}

/** Returns the signed-in person, on routes that require a sign-in. */
export function accountOf(req: Request): Account {
  if (!req.account) throw new Forbidden('Sign in first.');
  return req.account;
}

/** Whether the signed-in person has the ability, such as `edit`, in this environment; false if nobody is signed in. */
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

/** Parses the entity and the id of a row from the URL `/catalog/:entity/:id`. */
export function addressed(req: Request): { entity: Entity; id: number } {
  const entity = entityNamed(String(req.params['entity']));
  const id = idSchema.safeParse(req.params['id']);
  if (!id.success)
    throw new NotFound(`There is no ${entity.label.one.toLowerCase()} with that ID.`);
  return { entity, id: id.data };
}

export const numberOrNull = (value: unknown): number | null =>
  idSchema.safeParse(value).data ?? null;

/** Returns one text from a query or body; empty if the text is missing or given twice. */
export function textIn(from: unknown, name: string): string {
  const value = (from as Record<string, unknown> | undefined)?.[name];
  // Removes NUL characters, because people never type them and databases treat them differently.
  return typeof value === 'string' ? value.replaceAll('\0', '').trim() : '';
}

/**
 * Returns `path` if it is a path on this server, and `otherwise` for any other address, so that no
 * redirect leads to another site.
 */
export const localPath = (path: string, otherwise: string): string =>
  /^\/(?![/\\])[^\s\\]*$/.test(path) ? path : otherwise;

/**
 * Returns the idempotency key of a form, by which the server recognises a repeated post. If the
 * form has no valid key, returns a new one.
 */
export function idempotencyKeyIn(form: Form): { key: string; isKey: boolean } {
  const key = form.text('idempotency_key');
  return isUuid(key) ? { key, isKey: true } : { key: newUuid(), isKey: key === '' };
}
