// What a plan is decided from: one consistent look at the rows here and there, and at everything there that
// could stand in the way. Reads only.
import { fieldEntries, keyText, type Row, type RowKey } from '../catalog/entity.ts';
import { catalog, matchedByName, travelling } from '../catalog/index.ts';
import { textOf } from '../catalog/fields.ts';
import { first, select, snapshot, sql } from '../database/sql.ts';
import { rung, type EnvironmentName } from '../environments/ladder.ts';
import { holding } from '../environments/holding.ts';
import { idsByName, type IdsByName } from '../environments/names.ts';
import type { Place, Stop } from '../environments/place.ts';
import { read } from '../environments/row-store.ts';
import { usesOf, type Use } from '../environments/uses.ts';
import { readStates, type RowState } from '../journal/row-states.ts';
import { readVersion, type DatabaseVersion } from '../version/metadata.ts';
import { onRows, type Claim } from '../journal/claims.ts';
import { together } from '../together.ts';
import { parentsOf } from './climb.ts';
import { remember, see, type Sight } from './compare.ts';
import { readMappings, theirName } from '../journal/mappings.ts';
import { testedOf, type Tested } from './verdicts.ts';
import { linkedNames } from './plan.ts';
import { hasImage } from '../storage/images.ts';
import { imagesOf } from './problems-of-shape.ts';
import type { Step } from '../journal/journal.ts';

export type Column = { maxLength: number | null; isRequired: boolean };

export type Facts = {
  from: EnvironmentName;
  to: EnvironmentName;
  chosen: RowKey[];
  sights: Map<string, Sight>;
  /** Ids there of every name that the rows are linked with. */
  names: { city: IdsByName; partner: IdsByName };
  /** Rows of those cities and partners here, by `city:Pune`. */
  namesHere: Map<string, Row>;
  columns: Map<string, Map<string, Column>>;
  version: DatabaseVersion | null;
  versionHere: string | null;
  claims: Claim[];
  /** Who has a unique value there: `form.name:Address` → id. */
  holders: Map<string, number>;
  /** Rows there that refer to a row that is written; to one that goes, also what stands under it. */
  uses: Use[];
  /** What the destination knows of rows that stand there: who changed them, and when. */
  statesThere: Map<string, RowState>;
  /** Where rows are tried before they go on: what was found, by root. Empty elsewhere. */
  tested: Map<string, Tested>;
  /** Who sends, where only what others have tried may go. */
  testedForSender: string | null;
  missingImages: Set<string>;
  /** Host of this environment's own address, where texts would give it away. */
  hostHere: string | null;
};

export type Question = {
  /** Rows that were picked, and rows that go along by a tick. */
  chosen: RowKey[];
  include: RowKey[];
  /** What a row would become there; null when it goes, undefined when nothing is planned for it. */
  planned: (sight: Sight) => Row | null | undefined;
  hostHere: string | null;
  testedForSender?: string | null;
  /** Who keeps the books (bases, and what was seen), when that is not the environment that sends. */
  books?: Stop;
};

export async function gather(here: Stop, there: Stop, question: Question): Promise<Facts> {
  const { chosen, planned } = question;
  const asStep = planning(planned);
  const at = new Date().toISOString();
  // One consistent moment here; the other side is looked at again under its claims.
  const { sights, namesHere, claimsHere } = await atOneMoment(here, async (place) => {
    const seen = await seeWithParents(place, there, question);
    return { sights: seen, namesHere: await linkedRows(place, [...seen.values()].map(asStep)) };
  });
  if (!question.books) await remember(here.sql, sights.values(), at);
  const steps = [...sights.values()].map(asStep);
  const links = linkedNames(steps);
  const namesOf = (kind: 'city' | 'partner') =>
    idsByName(
      there.sql,
      kind,
      links.filter((link) => link.kind === kind).map((link) => link.name),
    );
  // Each asks for itself; together they take as long as the longest.
  const [
    cities,
    partners,
    columns,
    version,
    versionHere,
    claims,
    holders,
    uses,
    statesThere,
    tested,
    missingImages,
  ] = await together([
    namesOf('city'),
    namesOf('partner'),
    columnsThere(there),
    readVersion(there.documents),
    readVersion(here.documents),
    onRows(there.sql, steps),
    holdersThere(there, steps),
    usesThere(there, steps),
    readStates(there.sql, steps),
    rung(here.name).isTested ? testedOf(here, rootsOf(sights)) : new Map<string, Tested>(),
    imagesMissing(here, steps),
  ]);
  return {
    from: here.name,
    to: there.name,
    chosen,
    sights,
    names: { city: cities, partner: partners },
    namesHere,
    columns,
    version,
    versionHere: versionHere?.databaseVersion ?? null,
    claims: [...claimsHere, ...claims],
    holders,
    uses,
    statesThere,
    tested,
    testedForSender: question.testedForSender ?? null,
    missingImages,
    hostHere: question.hostHere,
  };
}

/**
 * Reads rows and documents of one moment. A snapshot holds for MySQL only: claims on the rows tell of a write
 * under way, and a clock that moved tells of one that ended in between, after which it is read again.
 */
async function atOneMoment<T extends { sights: Map<string, Sight> }>(
  here: Stop,
  look: (place: Place) => Promise<T>,
): Promise<T & { claimsHere: Claim[] }> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await clockOf(here);
    const seen = await snapshot(here.sql, (sql) => look({ sql, documents: here.documents }));
    const claimsHere = await onRows(
      here.sql,
      [...seen.sights.values()].map(({ key }) => key),
    );
    if (attempt === LOOKS || (await clockOf(here)) === before) return { ...seen, claimsHere };
  }
}

const LOOKS = 5;

const clockOf = async ({ sql: on }: Stop) =>
  (await first<{ instant: string }>(on, sql`select instant from clock where name = 'clock'`))
    ?.instant;

const rootsOf = (sights: Map<string, Sight>): RowKey[] =>
  [...sights.values()].flatMap(({ entity, here, key }) => (here && !entity.owner ? [key] : []));

/** A row as a step of the plan to be, for questions that need no decision yet. */
const planning =
  (planned: Question['planned']) =>
  (sight: Sight): Step => {
    const after = planned(sight);
    const action = after === undefined ? 'same' : after === null ? 'remove' : 'update';
    const common = { ...sight.key, title: '', because: null, kept: [], before: sight.there };
    return { ...common, action, after: after ?? null };
  };

/** Rows, their parents, those parents' parents …: as many rounds as the references are deep. */
async function seeWithParents(here: Place, there: Place, question: Question) {
  const { chosen, include, planned, books } = question;
  const basesIn = books?.sql ?? here.sql;
  const sights = await see(here, there, [...chosen, ...include], { basesIn });
  let round = [...sights.values()];
  while (round.length > 0) {
    const parents = round
      .flatMap((sight) => [
        ...parentsOf(sight.entity, planned(sight) ?? null),
        ...parentsOf(sight.entity, sight.here),
      ])
      .filter((key) => !sights.has(keyText(key)));
    const found =
      parents.length > 0 ? await see(here, there, parents, { basesIn }) : new Map<string, Sight>();
    for (const [text, sight] of found) if (!sights.has(text)) sights.set(text, sight);
    round = [...found.values()];
  }
  return sights;
}

/** Our rows behind the linked names, by the name that they have there. */
async function linkedRows(here: Place, steps: Step[]): Promise<Map<string, Row>> {
  const links = linkedNames(steps);
  const mappings = await readMappings(here.sql);
  const rows = new Map<string, Row>();
  for (const { name: kind } of matchedByName) {
    const wanted = links.filter((link) => link.kind === kind).map((link) => link.name);
    const mapped = [...mappings].flatMap(([key, theirs]) =>
      key.startsWith(`${kind}:`) && wanted.includes(theirs) ? [key.slice(kind.length + 1)] : [],
    );
    const ids = await idsByName(here.sql, kind, [...wanted, ...mapped]);
    const keys = [...ids.values()].flatMap(([id]) =>
      id === undefined ? [] : [{ entity: kind, id }],
    );
    for (const row of (await read(here, keys)).values()) {
      rows.set(`${kind}:${theirName(mappings, kind, textOf(row['name']))}`, row);
    }
  }
  return rows;
}

export async function columnsThere(there: Stop): Promise<Facts['columns']> {
  const tables = catalog.filter(({ store }) => store === 'mysql').map(({ table }) => table);
  const lines = await select<{
    tableName: string;
    columnName: string;
    maxLength: number | null;
    isRequired: number;
  }>(
    there.sql,
    sql`select table_name as tableName, column_name as columnName,
               character_maximum_length as maxLength,
               is_nullable = 'NO' and column_default is null
                 and extra not like '%auto_increment%' and extra not like '%GENERATED%' as isRequired
          from information_schema.columns
         where table_schema = database() and table_name in (${tables})`,
  );
  const columns: Facts['columns'] = new Map();
  for (const { tableName, columnName, maxLength, isRequired } of lines) {
    const table = columns.get(tableName) ?? new Map<string, Column>();
    columns.set(tableName, table.set(columnName, { maxLength, isRequired: Boolean(isRequired) }));
  }
  return columns;
}

async function holdersThere(there: Stop, steps: Step[]): Promise<Map<string, number>> {
  const holders = new Map<string, number>();
  for (const entity of travelling) {
    for (const [field, { unique }] of fieldEntries(entity)) {
      const values = steps.flatMap((step) =>
        unique && step.entity === entity.name && step.after ? [textOf(step.after[field])] : [],
      );
      for (const { id, value } of await holding(there, entity, field, values)) {
        holders.set(`${entity.name}.${field}:${value}`, id);
      }
    }
  }
  return holders;
}

async function usesThere(there: Stop, steps: Step[]): Promise<Use[]> {
  const standing = steps.filter(({ before, action }) => before !== null && action !== 'same');
  const [gone, stays] = [
    standing.filter(({ action }) => action === 'remove'),
    standing.filter(({ action }) => action !== 'remove'),
  ];
  return [
    ...(await usesOf(there, gone, { under: true })),
    ...(await usesOf(there, stays, { under: false })),
  ];
}

async function imagesMissing(here: Stop, steps: Step[]): Promise<Set<string>> {
  const names = new Set(steps.flatMap(imagesOf).map((image) => image.name));
  const missing = new Set<string>();
  for (const name of names) if (!(await hasImage(here.storage, name))) missing.add(name);
  return missing;
}
