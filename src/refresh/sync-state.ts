// What a copy-down leaves in the books: the content at which a row here and at the destination are equal.
import { hashOf, isSameContent } from '../catalog/content.ts';
import { keyText, type Entity, type Row } from '../catalog/entity.ts';
import {
  contentIn,
  doubtfulLine,
  linesOf,
  sideBySide,
  stretchOf,
  withLines,
  type Line,
} from '../rows/digests.ts';
import type { Stop } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { idsInBooks, writeChecked, writeSeen, type Right } from '../state/checked-chunks.ts';
import { inTheirWords } from '../state/name-mapping.ts';
import { newsAbout, type Seen } from '../state/destination-state.ts';
import { isTold, type Part, type Stretch } from '../comparison/chunks.ts';
import type { Decided } from './plan-part.ts';
import { keyOf } from './report.ts';

type Sides = { here: Stop; there: Stop | null; source: Stop };

/** What is equal here and at the destination, as read at `at`, is known to be equal from now on; only news is written. */
export async function writeBases(sides: Sides, entity: Entity, decided: Decided, at: string) {
  if (!sides.there) return;
  const written = new Set(decided.changes.map(({ after }) => after?.id));
  const news = await newsOf(sides, entity, decided);
  const isWritten = ({ key }: Seen) => written.has(key.id);
  // What was just written is equal, whatever anyone saw meanwhile.
  await writeSeen(sides.here.sql, news.filter(isWritten), at, { isBaseCertain: true });
  await writeSeen(
    sides.here.sql,
    news.filter((one) => !isWritten(one)),
    at,
  );
}

/**
 * The same for stretches of a table, and with it what stands there now as checked: rows that were written and are read
 * back as production has them, rows that were the same, and rows whose books were right before.
 */
export async function writeBasesChecked(
  sides: Sides,
  entity: Entity,
  { stretches, at }: Part,
  decided: Decided,
) {
  const { here, there } = sides;
  if (!there) return;
  const news = { seen: await newsOf(sides, entity, decided), at };
  const written = decided.changes.flatMap(({ after }) => after?.id ?? []);
  const same = decided.same.filter((row) => isInBooks(entity, row, decided));
  const unknown = stretches.filter(({ unsure }) => unsure === null).map(({ stretch }) => stretch);
  const outcome: Outcome = {
    inBooks: await idsInBooks(here.sql, entity.name, unknown),
    isTrusted: isTold(entity, decided.mappings),
    looked: new Set(decided.rows.map(({ id }) => id)),
    right: new Set([...written, ...same.map(({ id }) => id)]),
    put: await linesOf(here.sql, entity, written),
  };
  // What was right, and is as it was, need not be written again.
  const isDoubtful = ({ unsure, source }: Stretch) =>
    unsure?.size !== 0 || source.ids.some((id) => outcome.looked.has(id));
  const checked = stretches.filter(isDoubtful).map((stretch) => rightIn(stretch, outcome));
  await writeChecked(here.sql, entity.name, checked, news);
}

type Outcome = {
  isTrusted: boolean;
  /** Ids of rows that were looked at one by one; those of them whose books are right now. */
  looked: Set<number>;
  right: Set<number>;
  /** Lines of the rows that were written, as they stand now. */
  put: Map<number, Line>;
  /** Ids that the books know, of stretches that were never checked. */
  inBooks: number[];
};

/** The lines of a stretch as they stand now, with a doubtful one for every row whose books are not known to be right. */
function rightIn(one: Stretch, { isTrusted, looked, right, put, inBooks }: Outcome): Right {
  const { stretch, generation, unsure, since, source } = one;
  const isRight = (id: number) =>
    isTrusted && (looked.has(id) ? right.has(id) : unsure !== null && !unsure.has(id));
  const others = new Map<number, Line>();
  for (const id of [...(unsure ?? []), ...inBooks.filter((own) => stretchOf(own) === stretch)]) {
    if (!isRight(id)) others.set(id, doubtfulLine(id));
  }
  sideBySide(one.here, source, (id, _mine, wanted) => {
    const written = put.get(id);
    const isAsWanted = !written || (wanted && contentIn(written) === contentIn(wanted));
    if (!isAsWanted || !isRight(id)) others.set(id, doubtfulLine(id));
    else if (written) others.set(id, written);
  });
  for (const id of one.there.ids) if (!isRight(id)) others.set(id, doubtfulLine(id));
  const moved = new Set([...(unsure ?? []), ...source.ids.filter((id) => looked.has(id))]);
  return {
    ...{ stretch, generation },
    since: since && since.union(moved).union(new Set(others.keys())),
    here: withLines(one.here, others),
    there: one.there,
  };
}

function isInBooks(entity: Entity, row: Row, { mine, states, mappings }: Decided): boolean {
  const text = keyText(keyOf(entity, row));
  const [own, state] = [mine.get(text), states.get(text)];
  if (!own || !state || state.deleted_at) return false;
  return state.hash === hashOf(entity, inTheirWords(entity, own, mappings));
}

async function newsOf({ there, source }: Sides, entity: Entity, decided: Decided) {
  const { rows, mine, stops, mappings, changes } = decided;
  const keys = rows.map((row) => keyOf(entity, row));
  const theirs =
    there === source || there === null
      ? new Map(rows.map((row) => [keyText(keyOf(entity, row)), row]))
      : await read(there, keys);
  const written = new Map<number, Row>();
  for (const { after } of changes) if (after) written.set(after.id, after);
  return keys.flatMap((key): Seen[] => {
    const text = keyText(key);
    const [other, stop] = [theirs.get(text), stops.get(text)];
    const own = written.get(key.id) ?? mine.get(text);
    const words = own && inTheirWords(entity, own, mappings);
    const there = {
      there: other ?? null,
      seen: other ? hashOf(entity, other) : null,
      isEqual: Boolean(words && other && isSameContent(entity, words, other)),
    };
    const news = newsAbout(entity, key, there, stop);
    if (news) return [news];
    // That a row is not there is written down once, too.
    return stop ? [] : [{ key, seen: there.seen, base: null }];
  });
}
