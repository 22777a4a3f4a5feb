// Errors whose message tells the user what to do. Any other error is a bug, and the server answers it with status
// 500.
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

/** Invalid input; `fields` has a message for each invalid field. */
export class Invalid extends Problem {
  readonly fields: FieldErrors;

  constructor(fields: FieldErrors) {
    super(422, Object.values(fields).join(' '));
    this.fields = fields;
  }
}

/**
 * Parses posted data with a schema.
 * @throws Invalid, with a message for each invalid field
 */
export function parsed<T extends z.ZodType>(schema: T, posted: unknown): z.infer<T> {
  const result = schema.safeParse(posted ?? {});
  if (result.success) return result.data;
  throw new Invalid(
    Object.fromEntries(result.error.issues.map((issue) => [String(issue.path[0]), issue.message])),
  );
}

/** The error when another user changed or claimed the data first. */
export class Conflict extends Problem {
  /**
   * Why the database refused the write, as a code; null when Oneway refused without asking the
   * database.
   */
  readonly reason: string | null;

  constructor(message: string, reason: string | null = null) {
    super(409, message);
    this.reason = reason;
  }
}

/** The error when another server does not answer, or asks to try again later. */
export class Unavailable extends Problem {
  constructor(message: string, options?: ErrorOptions) {
    super(503, message, options);
  }
}

/**
 * Thrown while a database is being migrated to another version, or when its version differs from the version of this
 * program. The user can try again later.
 */
export class Closed extends Unavailable {}
