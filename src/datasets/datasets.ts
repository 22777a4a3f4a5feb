// Datasets: named tables such as `statistics/cities`, made from data files. Each dataset has versions; readers see the
// current version.
import { z } from 'zod';
import * as audit from '../audit/audit.ts';
import { matchedByName } from '../catalog/index.ts';
import { first, run, runForId, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { Conflict, Invalid, NotFound, parsed } from '../problems.ts';

const modes = ['replace', 'append'] as const;
/**
 * How the next version of a dataset is made. `replace`: from the new data file alone; `append`:
 * from the data files of the current version and the new one.
 */
type Mode = (typeof modes)[number];

export type Dataset = {
  id: number;
  organisation: string;
  name: string;
  mode: Mode;
  /** Whether API clients may read the dataset with signed requests, if their key has a scope (permission) for it. */
  open_to_clients: 0 | 1;
  /** How many versions keep their rows, the current version included. */
  keep_versions: number;
  /** The number of the current version; null before the first file is loaded. */
  current_version: number | null;
  /**
   * The entity (`city` or `partner`) whose rows in the catalogue are compared with the dataset;
   * null for none.
   */
  feeds: string | null;
  /** The column of the dataset that holds the names of the cities or partners. */
  feeds_column: string | null;
  /**
   * Increases with each change of the settings, so that a person cannot overwrite the change of
   * another person without seeing it.
   */
  revision: number;
  created_by: string;
  created_at: string;
};

/**
 * The pattern of each of the two parts of a dataset’s full name `organisation/name`: lower-case letters, digits and
 * underscores.
 */
export const NAME_PART = /^[a-z][a-z0-9_]{0,29}$/;
const part = (what: string) =>
  z
    .string({ error: `Enter the ${what}` })
    .trim()
    .min(1, `Enter the ${what}`)
    .regex(
      NAME_PART,
      `The ${what} begins with a letter and has up to 30 lower-case letters, digits and underscores: bus_lines`,
    );

export const fullName = ({ organisation, name }: Pick<Dataset, 'organisation' | 'name'>) =>
  `${organisation}/${name}`;

const wantedName = z.object({ organisation: part('organisation'), name: part('name') });

/**
 * The entities whose rows can be compared with the names in a dataset: cities and partners. Their rows have other ids
 * in each environment and are matched by name.
 */
export const feedable = matchedByName.map(({ name }) => name);

const isPosted = z.preprocess((value) => value === 'yes' || value === true, z.boolean());
const wantedSettings = z.object({
  mode: z.enum(modes, { error: 'Choose what a new file does' }).default('replace'),
  openToClients: isPosted.default(false),
  keepVersions: z.coerce
    .number({ error: 'Enter how many versions are kept' })
    .int('Enter a whole number of versions')
    .min(1, 'At least 1 version is kept')
    .max(100, 'At most 100 versions can be kept')
    .default(5),
  feeds: z
    .enum(['', ...feedable], { error: 'Choose one of the entities of the list, or nothing' })
    .default(''),
  feedsColumn: z.string().trim().max(200).default(''),
});

export type PostedDataset = Partial<
  Record<keyof z.input<typeof wantedName> | keyof z.input<typeof wantedSettings>, unknown>
>;

/**
 * Adds a dataset; returns its id.
 * @throws Invalid with a message for each wrong field
 */
export async function add(here: App, person: string, posted: PostedDataset): Promise<number> {
  const wanted = parsed(wantedName.and(wantedSettings), posted);
  return transaction(here.sql, async (on) => {
    const id = await runForId(
      on,
      sql`insert into dataset
            (organisation, name, mode, open_to_clients, keep_versions, feeds, feeds_column, created_by, created_at)
          values (${wanted.organisation}, ${wanted.name}, ${wanted.mode}, ${wanted.openToClients},
            ${wanted.keepVersions}, ${wanted.feeds || null}, ${wanted.feedsColumn || null}, ${person},
            utc_timestamp(3))`,
    ).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'ER_DUP_ENTRY') throw error;
      throw new Invalid({
        name: `There is a dataset ${fullName(wanted)} already. Choose another name, or upload a file into that one.`,
      });
    });
    await audit.write(on, { person, action: 'added a dataset', subject: fullName(wanted) });
    return id;
  });
}

/**
 * Changes the settings of a dataset. `seen` is the revision that the page showed.
 * @throws Invalid for wrong fields, Conflict if another person changed the settings after the page
 * was shown
 */
export async function change(
  here: App,
  person: string,
  { dataset, seen }: { dataset: Dataset; seen: number },
  posted: PostedDataset,
) {
  const wanted = parsed(wantedSettings, posted);
  await transaction(here.sql, async (on) => {
    const found = await run(
      on,
      sql`update dataset
             set mode = ${wanted.mode}, open_to_clients = ${wanted.openToClients},
                 keep_versions = ${wanted.keepVersions}, feeds = ${wanted.feeds || null},
                 feeds_column = ${wanted.feedsColumn || null}, revision = revision + 1
           where id = ${dataset.id} and revision = ${seen}`,
    );
    if (found === 0) {
      throw new Conflict(
        `${fullName(dataset)} was changed by another person after this page was shown. Nothing was saved: reload the page and repeat your change.`,
      );
    }
    await audit.write(on, { person, action: 'changed a dataset', subject: fullName(dataset) });
  });
}

export const list = (on: Queryable) =>
  select<Dataset>(on, sql`select * from dataset order by organisation, name`);

/**
 * Reads a dataset.
 * @throws NotFound if no dataset has this id
 */
export async function known(on: Queryable, id: number): Promise<Dataset> {
  const found = await first<Dataset>(on, sql`select * from dataset where id = ${id}`);
  if (!found) throw new NotFound('There is no such dataset.');
  return found;
}

/** Finds a dataset by organisation and name; returns undefined if there is none. */
export const named = (
  on: Queryable,
  { organisation, name }: Pick<Dataset, 'organisation' | 'name'>,
) =>
  first<Dataset>(
    on,
    sql`select * from dataset where organisation = ${organisation} and name = ${name}`,
  );
