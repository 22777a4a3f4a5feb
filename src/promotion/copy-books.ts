// What a copy-down leaves in the books: the content at which a row here and at the destination are equal.
import { canonical, hashOf, isSameContent } from '../catalog/content.ts';
import { keyText, type Entity, type Row } from '../catalog/entity.ts';
import { contentIn, digests, idIn, type Line } from '../environments/digests.ts';
import type { Stop } from '../environments/place.ts';
import { read } from '../environments/row-store.ts';
import { writeChecked, writeSeen } from '../journal/checked.ts';
import { inTheirWords } from '../journal/mappings.ts';
import type { Seen } from '../journal/stop-states.ts';
import { isTold, type Part, type Stretch } from '../journal/stretches.ts';
import type { Decided } from './copy-decisions.ts';
import { keyOf } from './copy-report.ts';

type Sides = { here: Stop; there: Stop | null; source: Stop };

/** What is equal here and at the destination is known to be equal from now on; only news is written. */
export async function writeBases(sides: Sides, entity: Entity, decided: Decided) {
  if (!sides.there) return;
  const at = new Date().toISOString();
  await writeSeen(sides.here.sql, await newsOf(sides, entity, decided), at);
}

/**
 * The same for stretches of a table, and with it what stands there now as checked: rows that were written and are read
 * back as production has them, rows that were the same, and rows whose books were right before.
 */
export async function writeBasesChecked(
  sides: Sides,
  entity: Entity,
  { stretches }: Part,
  decided: Decided,
) {
  const { here, there } = sides;
  if (!there) return;
  const at = new Date().toISOString();
  const news = { seen: await newsOf(sides, entity, decided), at };
  const written = new Set(decided.changes.map(({ after }) => after?.id));
  const same = decided.same.filter((row) => isInBooks(entity, row, decided));
  const right = new Set([...written, ...same.map(({ id }) => id)]);
  const looked = new Set(decided.rows.map(({ id }) => id));
  const now = written.size === 0 ? null : await linesNow(here, entity, stretches);
  const isTrusted = isTold(entity, decided.mappings);
  const checked = stretches.map((one) => {
    const isRight = (id: number) =>
      looked.has(id) ? right.has(id) : one.unsure !== null && !one.unsure.has(id);
    const former = new Set(one.here);
    const wanted = new Map(one.source.map((line) => [idIn(line), contentIn(line)]));
    const isAsRead = (line: Line) =>
      written.has(idIn(line)) ? contentIn(line) === wanted.get(idIn(line)) : former.has(line);
    const lines = (now ? (now.get(one.stretch) ?? []) : one.here).filter(
      (line) => isTrusted && isRight(idIn(line)) && isAsRead(line),
    );
    const ids = new Set(lines.map(idIn));
    const theirs = one.there.filter((line) => ids.has(idIn(line)));
    return { stretch: one.stretch, generation: one.generation, here: lines, there: theirs };
  });
  await writeChecked(here.sql, entity.name, checked, news);
}

const linesNow = ({ sql }: Stop, entity: Entity, stretches: Stretch[]) =>
  digests(sql, entity, stretches[0]?.stretch ?? 0, stretches.at(-1)?.stretch ?? 0);

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
    const hash = other ? hashOf(entity, other) : null;
    const words = own && inTheirWords(entity, own, mappings);
    const isEqual = words && other && isSameContent(entity, words, other);
    const isKnown = (stop?.seen_hash ?? null) === hash && (!isEqual || stop?.base_hash === hash);
    if (stop && isKnown) return [];
    const base = isEqual && hash ? { hash, content: canonical(entity, other) } : null;
    return [{ key, seen: hash, base }];
  });
}
