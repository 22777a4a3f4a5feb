// Failures that a person can act on. Everything else is a defect and a 500.
import type { z } from 'zod';

export type FieldErrors = Record<string, string>;

export class Problem extends Error {
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export class NotFound extends Problem {
  constructor(message: string) {
    super(404, message);
  }
}

export class Forbidden extends Problem {
  constructor(message: string) {
    super(403, message);
  }
}

/** Invalid input; `fields` names each field and what to do. */
export class Invalid extends Problem {
  readonly fields: FieldErrors;

  constructor(fields: FieldErrors) {
    super(422, Object.values(fields).join(' '));
    this.fields = fields;
  }
}

/**
 * Parses posted data with a schema.
 * @throws Invalid, with a message for each field
 */
export function parsed<T extends z.ZodType>(schema: T, posted: unknown): z.infer<T> {
  const result = schema.safeParse(posted ?? {});
  if (result.success) return result.data;
  throw new Invalid(
    Object.fromEntries(result.error.issues.map((issue) => [String(issue.path[0]), issue.message])),
  );
}

/** Someone else changed or claimed it first. */
export class Conflict extends Problem {
  /** Why the database did not take it, as a code; null where nothing was sent. */
  readonly reason: string | null;

  constructor(message: string, reason: string | null = null) {
    super(409, message);
    this.reason = reason;
  }
}

/** Another server does not answer, or asks to wait. */
export class Unavailable extends Problem {
  constructor(message: string, options?: ErrorOptions) {
    super(503, message, options);
  }
}

/** A database is being updated or has another version: worth waiting for. */
export class Closed extends Unavailable {}
