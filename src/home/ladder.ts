// Counts the rows that wait to be transferred from this environment and from the environments after it, and calculates
// the drawing of these numbers. The view draws it as SVG.
import { lastKnown, type LastKnown } from '../database/last-known.ts';
import { first, sql } from '../database/sql.ts';
import { timeouts } from '../database/timeouts.ts';
import type { App } from '../environments/app.ts';
import { tryFarSide } from '../environments/far-side.ts';
import { rulesOf, type EnvironmentName } from '../environments/rules.ts';
import { countGroups, type GroupCounts } from '../state/pending-counts.ts';

/**
 * An environment (`from`), and how many of its rows wait to be transferred to the next environment (`to`). `counts` is
 * null while the numbers are not known.
 */
export type LadderStep = {
  from: string;
  to: string;
  counts: GroupCounts | null;
  /** When the rows were counted, in ISO 8601. */
  at: string | null;
};

/**
 * Counts the rows of the destination that wait to be transferred to the environment after it; null if the destination
 * is the last environment. If the destination does not answer, `trouble` says what is wrong.
 */
export async function askDestination({ destination, log }: App) {
  if (!destination) return null;
  const count = async () => {
    if (destination.rules.next) return countGroups(destination.sql);
    await first(destination.sql, sql`select 1`);
    return null;
  };
  return lastKnown(destination.sql, 'pending groups', timeouts.farCounts, () =>
    tryFarSide(destination, log, count),
  );
}

/**
 * Returns one LadderStep for each pair of neighbouring environments from this one onward, such as staging and
 * pre-production; an empty array if this environment sends no rows.
 */
export function ladderFrom(
  { name, destination }: App,
  own: LastKnown<GroupCounts> | null,
  beyond: LastKnown<GroupCounts | null> | null,
): LadderStep[] {
  if (!destination) return [];
  const steps = [stepFrom(name, own)];
  return destination.rules.next ? [...steps, stepFrom(destination.name, beyond)] : steps;
}

function stepFrom(name: EnvironmentName, known: LastKnown<GroupCounts | null> | null): LadderStep {
  const { label, next } = rulesOf(name);
  return {
    from: label,
    to: next ? rulesOf(next).label : '',
    counts: known?.answer ?? null,
    at: known?.answer ? new Date(known.at).toISOString() : null,
  };
}

type Stop = { name: EnvironmentName; label: string; x: number; anchor: string; labelX: number };
export type LadderDrawing = {
  width: number;
  height: number;
  stops: Stop[];
  lines: { from: number; to: number; middle: number; number: number | null }[];
};

const [WIDTH, HEIGHT, EDGE, GAP] = [320, 84, 24, 12];

/**
 * Calculates the drawing: a circle for each environment (`stops`), and an arrow to the next one (`lines`) with the
 * number of rows that wait to be transferred.
 */
export function drawLadder(start: EnvironmentName, steps: LadderStep[]): LadderDrawing | null {
  if (steps.length === 0) return null;
  const step = (WIDTH - 2 * EDGE) / steps.length;
  const names = namesFrom(start, steps.length);
  return {
    width: WIDTH,
    height: HEIGHT,
    stops: names.map((name, index) => ({
      name,
      label: rulesOf(name).label,
      x: EDGE + index * step,
      ...labelPlace(index, steps.length, EDGE + index * step),
    })),
    lines: steps.map(({ counts }, index) => ({
      from: EDGE + index * step + GAP,
      to: EDGE + (index + 1) * step - GAP,
      middle: EDGE + (index + 0.5) * step,
      number: counts && counts.ready + counts.look + counts.engineering,
    })),
  };
}

function namesFrom(start: EnvironmentName, steps: number): EnvironmentName[] {
  const names = [start];
  for (let step = 0; step < steps; step += 1) {
    const next = rulesOf(names.at(-1) ?? start).next;
    if (next) names.push(next);
  }
  return names;
}

/**
 * The first label begins at the left edge of the drawing, and the last one ends at the right edge, so that long names
 * fit.
 */
function labelPlace(index: number, last: number, x: number) {
  if (index === 0) return { anchor: 'start', labelX: 4 };
  return index === last ? { anchor: 'end', labelX: WIDTH - 4 } : { anchor: 'middle', labelX: x };
}
