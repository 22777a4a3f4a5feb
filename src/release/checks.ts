// Checks what a release needs (S0-74): settings, the connection to the next environment, names, data, index and
// permissions. Each unmet prerequisite is listed with a remedy.
import { reasonOf } from '../environments/unreachable.ts';
import { isDocument, keyText, linksOf } from '../catalog/entity.ts';
import { catalog, matchedByName, matchedByNameLabel, travelling } from '../catalog/index.ts';
import { countInClear } from '../access/secret-fields.ts';
import { first, sql, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import { namesInUse } from '../rows/links.ts';
import { misfitsOf, misfitText } from '../catalog/misfits.ts';
import { idsByName } from '../rows/names.ts';
import { unreadable, walk } from '../rows/store.ts';
import type { Environment } from '../environments/environment.ts';
import { newest } from '../jobs/jobs.ts';
import { readStates } from '../state/row-state.ts';
import { readMappings, nameThere } from '../state/name-mapping.ts';
import * as people from '../people/people.ts';
import { readColumns } from '../rows/table-columns.ts';
import { columnProblems, narrowColumns } from '../sheet/problems/shape.ts';
import { readVersion } from '../version/metadata.ts';
import { explain } from '../version/compatibility.ts';
import { differences } from './reindex.ts';
import { REFRESH } from '../refresh/job.ts';
import { instantsAhead } from '../state/instants-ahead.ts';

export type Check = { what: string; isThere: boolean; detail: string };

const check = (what: string, isThere: boolean, detail: string): Check => ({
  what,
  isThere,
  detail,
});

/**
 * Runs all checks in order. A check that throws counts as not passed, and its result contains the
 * error.
 */
export async function releaseChecks(here: App): Promise<Check[]> {
  const all: Check[] = [...settings(here)];
  for (const [what, ask] of [
    ['Version of the database', () => version(here)],
    ['Destination', () => destination(here)],
    ['Shape of the destination', () => shape(here)],
    [matchedByNameLabel, () => names(here)],
    ['Rows fit their definition', () => misfits(here)],
    ['Data from production', () => data(here)],
    ['Index', () => index(here)],
    ['Clock', () => clocks(here)],
    ['Permission', () => permission(here)],
    ['Secrets', () => secrets(here)],
  ] as const) {
    all.push(
      ...(await ask().catch((error: unknown) => [
        check(what, false, `cannot be looked at: ${reasonOf(error)}`),
      ])),
    );
  }
  return all;
}

function settings({ name, settings: own, destination: there, source }: App): Check[] {
  const { next, label } = rulesOf(name);
  const checks = [
    check(
      'Addresses of the servers',
      own.urls[name] !== undefined,
      own.urls[name] ?? 'set ENVIRONMENT_URLS, with this environment among them',
    ),
  ];
  if (next === null) return checks;
  return [
    check(
      'Settings of the destination',
      there !== null,
      there ? `${label} sends to ${rulesOf(there.name).inText}` : 'set UNI_DIR_DESTINATION_*',
    ),
    check(
      'Settings of the refresh',
      source !== null,
      source ? 'production can be read' : 'set REFRESH_SOURCE_*, with users that only read',
    ),
    ...checks,
  ];
}

async function version(here: App): Promise<Check[]> {
  const standing = await here.compatibility();
  const isOpen = standing.kind === 'open';
  const detail = isOpen ? here.settings.supportedVersion : explain(standing);
  return [check('Version of the database', isOpen, detail)];
}

/**
 * Checks that every secret in the catalogue is encrypted with the key in the settings. Once secrets are encrypted,
 * other programs cannot read them from the database any more, and need the API with its scope for secrets.
 */
async function secrets({ sql: on, settings: own }: App): Promise<Check[]> {
  const inClear = await countInClear(on, catalog);
  const detail =
    own.credentialsKeys === null
      ? 'set CREDENTIALS_KEY: without it no secret can be typed'
      : inClear > 0
        ? `${inClear} stand in clear: run “oneway credentials encrypt-again” once no other program reads them`
        : 'every secret is sealed';
  return [check('Secrets', own.credentialsKeys !== null && inClear === 0, detail)];
}

async function destination({ destination: there, settings: own }: App): Promise<Check[]> {
  if (!there) return [];
  await first(there.sql, sql`select 1`);
  const found = await readVersion(there.documents);
  const isOpen = found !== null && !found.isUpdating;
  const fits = isOpen && found.databaseVersion === own.supportedVersion;
  return [
    check('Destination reachable', true, 'MySQL and MongoDB answer'),
    check(
      'Version of the destination',
      fits,
      found
        ? `${found.databaseVersion}${found.isUpdating ? ', being updated' : ''}`
        : 'run “oneway db migrate” there',
    ),
  ];
}

async function shape({ destination: there }: App): Promise<Check[]> {
  if (!there) return [];
  const columns = await readColumns(there.sql);
  const problems = catalog
    .filter((entity) => !isDocument(entity))
    .flatMap((entity) =>
      columnProblems({ to: there.name }, entity, columns.get(entity.table) ?? new Map()),
    )
    .map(({ message }) => message);
  const place = rulesOf(there.name).inText;
  for (const { table } of catalog) {
    for (const { column, charset } of narrowColumns(columns.get(table) ?? new Map())) {
      problems.push(
        `Column ${column} of ${table} in ${place} is ${charset}: alter it to utf8mb4, or some characters cannot be sent there.`,
      );
    }
  }
  const detail = problems.length === 0 ? 'every column is there' : problems.join(' ');
  return [check('Shape of the destination', problems.length === 0, detail)];
}

/** Checks linked names, such as those of cities: each must match exactly one row of the next environment. */
async function names({ sql: on, destination: there }: App): Promise<Check[]> {
  if (!there) return [];
  const mappings = await readMappings(on);
  const checks: Check[] = [];
  for (const { name: kind, label } of matchedByName) {
    const used = (await linked(on, kind)).map((one) => nameThere(mappings, kind, one));
    const found = await idsByName(there.sql, kind, used);
    const missing = used.filter((one) => found.get(one.normalize('NFC'))?.length !== 1);
    const place = rulesOf(there.name).inText;
    checks.push(
      check(
        `${label.many} match by name`,
        missing.length === 0,
        missing.length === 0
          ? `${used.length} in use, all in ${place}`
          : `not (or more than once) in ${place}: ${missing.join(', ')}. Create them there on a sheet, or map the name on the page Name mappings`,
      ),
    );
  }
  return checks;
}

async function linked(on: Queryable, kind: string): Promise<string[]> {
  const found = new Set<string>();
  for (const { links } of travelling.flatMap(linksOf)) {
    for (const part of links.parts.filter(({ entity }) => entity === kind)) {
      for (const name of await namesInUse(on, links, part)) found.add(name);
    }
  }
  return [...found].toSorted();
}

/** Checks for rows and documents with invalid values that another program stored. */
async function misfits(here: App): Promise<Check[]> {
  const found: string[] = [];
  for (const entity of catalog) {
    found.push(...(await unreadable(here, entity)));
    for await (const rows of walk(here, entity, -1, 1000)) {
      for (const row of rows) {
        if (misfitsOf(row).length > 0) found.push(misfitText(entity, row));
      }
    }
  }
  const more = found.length > 5 ? ` … and ${found.length - 5} more` : '';
  const detail =
    found.length === 0
      ? 'all of them'
      : `${found.slice(0, 5).join('. ')}${more}. Edit and save these rows`;
  return [check('Rows fit their definition', found.length === 0, detail)];
}

async function data(here: App): Promise<Check[]> {
  if (!here.source) return [];
  const [last] = (await newest(here.sql, REFRESH, 50)).filter(
    ({ state, input }) => state === 'done' && !(JSON.parse(input) as { dryRun: boolean }).dryRun,
  );
  const ids = await missingHere(here, here.source);
  return [
    check(
      'Refreshed from production',
      last !== undefined,
      last ? `job ${last.number}, ${last.ended_at?.slice(0, 16)} UTC` : 'run “oneway refresh”',
    ),
    check(
      'Production’s rows are here under their ids',
      ids.length === 0,
      ids.length === 0
        ? 'all of them'
        : `${ids.length} are missing here (${ids.slice(0, 5).join(', ')}…). Run “oneway refresh”`,
    ),
  ];
}

/**
 * Lists ids that production has and that this environment never had. Rows that were deleted in this environment do not
 * count.
 */
async function missingHere(here: Environment, source: Environment): Promise<string[]> {
  const keys = (await differences(here, source)).flatMap(({ entity, onlyThere }) =>
    onlyThere.map((id) => ({ entity, id })),
  );
  const states = await readStates(here.sql, keys);
  return keys.filter((key) => !states.get(keyText(key))?.deleted_at).map(keyText);
}

async function index({ sql: on, settings: own }: App): Promise<Check[]> {
  const waiting = await first<{ untold: number }>(
    on,
    sql`select count(*) as untold from outbox
         where state <> 'acknowledged' and channel = 'webhook' and recipient = 'indexer'`,
  );
  const isSet = own.indexer !== null;
  return [
    check(
      'Indexer is notified',
      isSet && waiting?.untold === 0,
      isSet
        ? `${waiting?.untold ?? 0} notifications are not acknowledged: see Indexer notifications`
        : 'set INDEXER_URL and INDEXER_SECRET, and rebuild the index with “oneway reindex-report”',
    ),
  ];
}

/**
 * Checks whether rows of this environment or the next one have a `modified_at` in the future. The apps that show the
 * catalogue ask only for rows with a later `modified_at` than the latest that they have seen. After a date in the
 * future, they would miss all changes until that date.
 */
async function clocks(here: App): Promise<Check[]> {
  const places = here.destination ? [here, here.destination] : [here];
  return Promise.all(places.map(clockOf));
}

async function clockOf(place: Environment): Promise<Check> {
  const { clock, numbers, examples } = await instantsAhead(place);
  const { row, document, tombstone } = numbers;
  const found = row + document + tombstone;
  const problems = [
    ...(numbers.clock > 0
      ? [
          `the last time that was given out is ${clock.instant}, the server has ${clock.now}: set the server's clock; until then every change gets a later time than that`,
        ]
      : []),
    ...(found > 0
      ? [
          `${found} with a later time than now (${examples.join(', ')}): correct modified_at there by hand, and send them again`,
        ]
      : []),
  ];
  const { inText } = rulesOf(place.name);
  return check(
    `No time in ${inText} is ahead of its clock`,
    problems.length === 0,
    problems.join('; ') || `the server has ${clock.now}`,
  );
}

async function permission(here: App): Promise<Check[]> {
  const active = (await people.list(here.sql)).filter(({ isActive }) => isActive);
  const holders = (wanted: string) =>
    active.filter(({ permissions }) => permissions.some((one) => one === wanted));
  const wanted = here.destination ? ['product_manager', 'administrator'] : ['administrator'];
  return wanted.map((one) => {
    const emails = holders(one).map(({ email }) => email);
    return check(
      `Someone has ${one}`,
      emails.length > 0,
      emails.join(', ') || `give it: oneway permissions give ${one} --to ana@example.com`,
    );
  });
}
