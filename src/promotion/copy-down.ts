// Production's rows copied down into this environment, in parts. Rows with work of their own are left alone
// and listed. It can be stopped and run again at any point: what is equal already is passed over. To look first
// is the same walk without a write.
import { fieldEntries, keyText, type Entity, type Row } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { matchedByName, travelling } from '../catalog/index.ts';
import { contentIn, sideBySide, STRETCH } from '../environments/digests.ts';
import { drawIds, raiseIds } from '../environments/ids.ts';
import { idsByName } from '../environments/names.ts';
import { refuseWhileUpdating } from '../environments/open.ts';
import type { Place, Stop } from '../environments/place.ts';
import { countRows, read, walk } from '../environments/row-store.ts';
import { writeAtOnce } from '../journal/at-once.ts';
import { readMappings } from '../journal/mappings.ts';
import { promotionOrder } from '../journal/order.ts';
import { write, type Change } from '../journal/own-write.ts';
import { isTold, oneAhead, partsOf, type Stretch } from '../journal/stretches.ts';
import { Conflict } from '../problems.ts';
import { copyImage } from '../storage/images.ts';
import { writeBases, writeBasesChecked } from './copy-books.ts';
import { decide, type Decided } from './copy-decisions.ts';
import {
  asOfNow,
  emptyReport,
  keyOf,
  leaveAlone,
  LISTED,
  listOverwritten,
  type Report,
} from './copy-report.ts';

export type { Report } from './copy-report.ts';

/** Whose rows they are is production's matter: whoever asked for the job stands with the job. */
const author = { email: 'copy-down', isProductManager: true };
const PART = 1000;

export type CopyDown = {
  here: Stop;
  /** Where rows go from here; a base is written where its row is equal. Null when there is none. */
  there: Stop | null;
  source: Stop;
  lease: number;
  /** Only tells what it would do. */
  isLook?: boolean;
  /** Said after each part, with what came of it so far: from there it goes on, when it was stopped. */
  progress?: (done: { entity: Entity; report: Report }) => void | Promise<void>;
  /** What an earlier attempt came to. */
  former?: Report | null;
};

/** How many rows there are to walk through. */
export async function rowsToCopy(source: Place): Promise<number> {
  let all = 0;
  for (const entity of [...matchedByName, ...travelling]) all += await countRows(source, entity);
  return all;
}

export async function copyDown(from: CopyDown): Promise<Report> {
  const report = from.former ?? emptyReport();
  const entities = [...matchedByName, ...promotionOrder(travelling)];
  const begun = entities.findIndex(({ name }) => name === report.at.entity);
  for (const entity of entities.slice(Math.max(begun, 0))) {
    if (entity.name !== report.at.entity)
      report.at = { ...report.at, entity: entity.name, after: 0 };
    if (entity.isMatchedByName) await copyNames(from, entity, report);
    else await copyRows(from, entity, report);
  }
  return report;
}

/** Rows of production, as many at once as make a part. */
async function* sourceParts({ here, source }: CopyDown, entity: Entity, after: number) {
  for await (const rows of walk(source, entity, after, PART)) {
    await refuseWhileUpdating(here, source);
    yield rows;
  }
}

/** Cities and partners are found by name; a new one keeps its id where that is free. */
async function copyNames(from: CopyDown, entity: Entity, report: Report) {
  const { here, isLook, progress } = from;
  for await (const rows of sourceParts(from, entity, report.at.after)) {
    const known = await idsByName(
      here.sql,
      entity.name,
      rows.map((row) => textOf(row['name'])),
    );
    const fresh = rows.filter((row) => !known.has(textOf(row['name']).normalize('NFC')));
    const taken = await read(
      here,
      fresh.map((row) => keyOf(entity, row)),
    );
    const changes: Change[] = [];
    for (const row of fresh) {
      const isTaken = taken.has(keyText(keyOf(entity, row)));
      const id = isTaken && !isLook ? await drawIds(here, entity.name) : row.id;
      changes.push({ entity, before: null, after: { ...row, id } });
    }
    report.same += rows.length - fresh.length;
    await writePart(from, entity, changes, report);
    const ids = rows.map((row) => row.id);
    if (!isLook) await raiseIds(here, entity.name, ids);
    report.at = { ...report.at, after: ids.at(-1) ?? 0, all: report.at.all + rows.length };
    await progress?.({ entity, report });
  }
}

/** A part of production's rows, what is to be done about it, and the books that are kept when that is done. */
type Looked = {
  decided: Decided;
  /** How many rows it is about, its last id, and the highest ids in it. */
  rows: number;
  after: number;
  highest: number[];
  keep: (done: Decided) => Promise<void>;
};

/** While one part is written, the next is looked at and the books of the last are kept. */
async function copyRows(from: CopyDown, entity: Entity, report: Report) {
  const { here, isLook, progress } = from;
  const looks = entity.store === 'mysql' ? lookAtTable : lookAtDocuments;
  let books = Promise.resolve();
  try {
    for await (const part of looks(from, entity, report.at.after)) {
      report.same += part.rows - part.decided.rows.length;
      const done = await carryOut(from, entity, part.decided, report);
      report.at = { ...report.at, after: part.after, all: report.at.all + part.rows };
      const soFar = asOfNow(report);
      const keep = async () => {
        if (!isLook) {
          await raiseIds(here, entity.name, part.highest);
          await part.keep(done);
        }
        await progress?.({ entity, report: soFar });
      };
      const former = books;
      // What was written has its books, also when somebody said stop meanwhile.
      books = inTurn(former, keep);
      books.catch(() => {});
      await former;
    }
  } catch (error) {
    await books.catch(() => {});
    throw error;
  }
  await books;
}

/** Does the second also when the first fails; fails as the first did. */
async function inTurn(first: Promise<void>, second: () => Promise<void>) {
  try {
    await first;
  } catch (error) {
    await second();
    throw error;
  }
  await second();
}

/** Of documents every one is read. */
const lookAtDocuments = (from: CopyDown, entity: Entity, after: number) => {
  // What is read later may be as it stood at the beginning: that is how old it is.
  const at = new Date().toISOString();
  return oneAhead(sourceParts(from, entity, after), async (rows): Promise<Looked> => {
    const ids = rows.map(({ id }) => id);
    return {
      decided: await decide(from, entity, rows),
      ...{ rows: rows.length, after: ids.at(-1) ?? 0, highest: ids },
      keep: (done) => writeBases(from, entity, done, at),
    };
  });
};

/** Of a table only rows that differ from production's, or of which the books may be wrong. */
async function* lookAtTable(from: CopyDown, entity: Entity, after: number) {
  const isUntold = from.isLook === true || !isTold(entity, await readMappings(from.here.sql));
  const how = { from: after + 1, isUntold, wanted: wanted(from) };
  const places = from.isLook ? { ...from, there: null } : from;
  yield* oneAhead(partsOf(entity, places, how), async (part): Promise<Looked> => {
    const keys = part.ids.map((id) => ({ entity: entity.name, id }));
    const rows = await read(from.source, keys);
    const here = new Set(part.stretches.flatMap((stretch) => stretch.here.ids));
    const last = part.stretches.at(-1)?.stretch ?? 0;
    return {
      decided: await decide(from, entity, [...rows.values()], (id) => here.has(id)),
      rows: part.stretches.reduce((sum, { source }) => sum + source.ids.length, 0),
      after: (last + 1) * STRETCH - 1,
      // A range of ids begins and ends with a stretch.
      highest: part.stretches.map(({ source }) => source.ids.at(-1) ?? 0),
      keep: (done) => writeBasesChecked(from, entity, part, done),
    };
  });
}

const wanted =
  ({ there, isLook }: CopyDown) =>
  ({ here, source, unsure }: Stretch) => {
    const ids: number[] = [];
    const isDoubted = (id: number) => !isLook && there && (unsure === null || unsure.has(id));
    sideBySide(here, source, (id, mine, theirs) => {
      const isSame = mine && theirs && contentIn(mine) === contentIn(theirs);
      if (theirs && (!isSame || isDoubted(id))) ids.push(id);
    });
    return ids;
  };

/** Writes what was decided; answers what of it was done. */
async function carryOut(from: CopyDown, entity: Entity, decided: Decided, report: Report) {
  report.same += decided.same.length;
  for (const { row, why } of decided.left) leaveAlone(report, entity, row, why);
  listOverwritten(report, decided.changes);
  return { ...decided, changes: await writePart(from, entity, decided.changes, report) };
}

/** Icons and images first: they are named by their content, so putting them early harms nobody. */
async function bringImages({ here, source }: CopyDown, changes: Change[], report: Report) {
  for (const { entity, after } of changes) {
    for (const [field, { kind }] of fieldEntries(entity)) {
      const name = kind === 'image' && after ? textOf(after[field]) : '';
      if (name === '' || (await copyImage(source.storage, here.storage, name))) continue;
      if (report.missingImages.length < LISTED) {
        report.missingImages.push(`${entity.label.one} ${after?.id}: ${name}`);
      }
    }
  }
}

/**
 * A part that is refused is halved until the row that does not fit stands alone, and is left alone. Answers what was
 * written, or would be.
 */
async function writePart(
  from: CopyDown,
  entity: Entity,
  changes: Change[],
  report: Report,
): Promise<Change[]> {
  if (changes.length === 0) return [];
  try {
    if (!from.isLook) await putPart(from, entity, changes, report);
    for (const { before } of changes) report[before ? 'updated' : 'created'] += 1;
    return changes;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const [only, ...others] = changes;
    if (only && others.length === 0) {
      leaveAlone(report, entity, only.after as Row, error.message);
      return [];
    }
    const half = Math.ceil(changes.length / 2);
    return [
      ...(await writePart(from, entity, changes.slice(0, half), report)),
      ...(await writePart(from, entity, changes.slice(half), report)),
    ];
  }
}

async function putPart(from: CopyDown, entity: Entity, changes: Change[], report: Report) {
  await bringImages(from, changes, report);
  const name = `Copy-down: ${entity.label.many.toLowerCase()}`;
  const naming = { kind: 'copy-down', name } as const;
  const written = changes.flatMap(({ after, ...change }) => (after ? { ...change, after } : []));
  if (entity.store === 'mysql' && (await writeAtOnce(from, author, written, naming))) return;
  await write(from, author, changes, naming);
}
