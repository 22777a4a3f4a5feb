// Measures the refresh of 10,000 forms with 100,000 fields, against insertMany of the same documents.
import type { Db } from 'mongodb';
import { up as prepareCollections } from '../migrations/mongo/0001-catalogue.ts';
import { runRefresh } from '../src/refresh/refresh.ts';
import { besides, cold, within } from './support/goals.ts';
import { databaseOf, empty, type Ground } from './support/ground.ts';
import { promisedDocuments, promisedTables } from './support/promised-documents.ts';
import { times, type Found } from './support/results.ts';
import { fieldDocuments, fillDocuments, formDocuments } from './support/rows.ts';
import { Clock, ROUNDS, sized } from './support/timing.ts';

export async function forms({ world, lower }: Ground): Promise<Found> {
  const { production, preprod, staging } = world;
  const documents = {
    form: formDocuments(sized(10_000)),
    form_field: fieldDocuments(sized(100_000), sized(10_000)),
  };
  const fill = async (db: Db) => {
    await fillDocuments(db, 'form', documents.form);
    await fillDocuments(db, 'form_field', documents.form_field);
  };
  await fill(production.documents);
  const clock = new Clock();
  for (let round = 1; round <= ROUNDS; round += 1) {
    // For a fair comparison, insertMany writes into empty collections with the same indexes and
    // write concern as Oneway.
    await emptied(staging.documents);
    await clock.time('insertMany', () => fill(staging.documents));
    await emptied(staging.documents);
    const database = await promisedTables(lower.ask, databaseOf(staging));
    await clock.time('bare statements', async () => {
      const places = {
        source: production.documents,
        to: staging.documents,
        ask: lower.ask,
        database,
      };
      await promisedDocuments(places, 'form', null);
      await promisedDocuments(places, 'form_field', 'form');
    });
    await empty(preprod);
    await clock.time('oneway', async () => {
      const { source, settings } = preprod;
      if (!source) throw new Error('There is no source');
      const lease = settings.lease.milliseconds;
      const { created } = await runRefresh({ here: preprod, there: source, source, lease });
      const expected = documents.form.length + documents.form_field.length;
      if (created !== expected) throw new Error(`${created} of ${expected} documents came`);
    });
  }
  const [some, many] = [documents.form.length, documents.form_field.length];
  return {
    rounds: clock.rounds,
    goals: [
      cold(
        besides(
          within(
            `${some.toLocaleString('en')} forms with ${many.toLocaleString('en')} fields down: of insertMany by the bare driver`,
            2,
            clock.ratio('oneway', 'insertMany'),
          ),
          `the bare statements of its promises ${times(clock.ratio('bare statements', 'insertMany'))}`,
        ),
      ),
    ],
  };
}

async function emptied(db: Db) {
  for (const name of ['form', 'form_field']) await db.dropCollection(name);
  await prepareCollections(db);
}
