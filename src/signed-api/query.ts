import type { z } from 'zod';
import { ApiRefusal } from './refusal.ts';

/**
 * Parses the parameters of a request.
 * @throws ApiRefusal 422 that names each wrong parameter and its allowed values
 */
export function queried<T extends z.ZodType>(schema: T, query: unknown): z.infer<T> {
  const { success, data, error } = schema.safeParse(query);
  if (success) return data;
  const lines = error.issues.map(({ path, message }) =>
    path.length > 0 ? `${String(path[0])} ${message}.` : `${message}.`,
  );
  throw new ApiRefusal(422, 'invalid', lines.join(' '));
}
