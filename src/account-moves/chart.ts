// Calculates the bar chart of migrations that ended on each day. The view draws it as SVG. Pure functions.
import { shortDay } from '../web/format.ts';

/** How many migrations completed and how many failed on one day, such as `2026-11-26`. */
export type MovesOfDay = { day: string; done: number; failed: number };

type Part = { kind: 'done' | 'failed'; y: number; height: number };
type Bar = MovesOfDay & { x: number; width: number; parts: Part[]; label: string };

/** The bars, grid lines and labels of the chart, in the units of the SVG’s view box. */
export type Chart = {
  width: number;
  height: number;
  left: number;
  bars: Bar[];
  lines: { y: number; text: string }[];
  /** The y coordinate of the bottom of the bars. The labels of the days are below it. */
  baseline: number;
};

const WIDTH = 720;
const HEIGHT = 220;
/** Margins for the numbers on the left, the days at the bottom, and the topmost number. */
const AROUND = { left: 44, bottom: 28, top: 12 };
const LINES = 4;
/**
 * The minimum height of a bar’s part, so that one failed migration beside 1,000 completed ones is
 * visible.
 */
const LEAST = 3;

/**
 * Returns all days of a period, oldest first. Days that are missing in `known` have no migrations.
 */
export function everyDay(known: MovesOfDay[], today: string, days: number): MovesOfDay[] {
  const byDay = new Map(known.map((one) => [one.day, one]));
  const last = Date.parse(`${today}T00:00:00Z`);
  return Array.from({ length: days }, (_none, index) => {
    const day = new Date(last - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    return byDay.get(day) ?? { day, done: 0, failed: 0 };
  });
}

/** Calculates the chart of the given days; null if no migration ended on any of them. */
export function chartOf(days: MovesOfDay[]): Chart | null {
  const most = Math.max(0, ...days.map(({ done, failed }) => done + failed));
  if (most === 0) return null;
  const top = roundUp(most);
  const baseline = HEIGHT - AROUND.bottom;
  const room = baseline - AROUND.top;
  const step = (WIDTH - AROUND.left) / days.length;
  return {
    width: WIDTH,
    height: HEIGHT,
    left: AROUND.left,
    baseline,
    bars: days.map((one, index) => ({
      ...one,
      x: rounded(AROUND.left + index * step + step * 0.15),
      width: rounded(step * 0.7),
      parts: partsOf(one, { baseline, scale: room / top }),
      label: shortDay(one.day),
    })),
    lines: Array.from({ length: LINES + 1 }, (_none, index) => ({
      y: rounded(baseline - (room * index) / LINES),
      text: ((top * index) / LINES).toLocaleString('en-GB'),
    })),
  };
}

/** Calculates the parts of a day’s bar: failed migrations are drawn on top of completed ones. */
function partsOf(
  { done, failed }: MovesOfDay,
  { baseline, scale }: { baseline: number; scale: number },
): Part[] {
  const parts: Part[] = [];
  let from = baseline;
  for (const [kind, number] of [
    ['done', done],
    ['failed', failed],
  ] as const) {
    if (number === 0) continue;
    const height = rounded(Math.max(LEAST, number * scale));
    from -= height;
    parts.push({ kind, y: rounded(from), height });
  }
  return parts;
}

/**
 * Returns the upper end of the axis: the smallest of 4, 8, 20, 40, 80, 200 … that is at least
 * `number`. The grid lines divide each of these into whole numbers.
 */
export function roundUp(number: number): number {
  for (let power = 1; ; power *= 10) {
    const found = [4, 8, 20].map((one) => one * power).find((one) => one >= number);
    if (found) return found;
  }
}

const rounded = (number: number) => Math.round(number * 10) / 10;
