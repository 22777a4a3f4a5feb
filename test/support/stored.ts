// Reads all rows and documents of the catalogue of an environment, so that a test can compare two environments.
import { catalogTables } from '../../src/catalog/tables.ts';
import { name, select, sql } from '../../src/database/sql.ts';
import type { Environment } from '../../src/environments/environment.ts';

/** Reads every stored row and document of the catalogue, exactly as the database servers return them. */
export async function stored({ sql: on, documents }: Pick<Environment, 'sql' | 'documents'>) {
  const { mysql, mongo } = catalogTables();
  const found: Record<string, unknown[]> = {};
  for (const table of mysql) {
    found[table] = await select(on, sql`select * from ${name(table)} order by 1, 2`);
  }
  for (const one of mongo) {
    const raw = await documents.collection(one).find({}, { raw: true }).sort({ _id: 1 }).toArray();
    found[one] = raw.map((document) => (document as unknown as Buffer).toString('base64'));
  }
  return found;
}
