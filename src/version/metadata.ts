// Reads and writes the version document, metadata/metadata in MongoDB: the version of a database, and whether the
// database is being updated to another version.
import type { Db } from 'mongodb';
import { z } from 'zod';

const schema = z.object({
  databaseVersion: z.string().min(1),
  isUpdating: z.boolean(),
  /** When the running update to another database version began, in ISO 8601. `by`: who started the update. */
  since: z.string().optional(),
  by: z.string().optional(),
});
export type DatabaseVersion = z.infer<typeof schema>;

const collection = (documents: Db) => documents.collection<{ _id: string }>('metadata');

/** Reads the version document; null when it is missing or malformed. */
export async function readVersion(documents: Db): Promise<DatabaseVersion | null> {
  return schema.safeParse(await collection(documents).findOne({ _id: 'metadata' })).data ?? null;
}

/**
 * Writes the version document. Only the command `oneway db` may call this function, as a test in
 * test/architecture.test.ts checks.
 */
export const writeVersion = (documents: Db, version: DatabaseVersion) =>
  collection(documents).replaceOne({ _id: 'metadata' }, version, { upsert: true });
