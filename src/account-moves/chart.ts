// The chart of moves that ended, by day: the geometry of its bars. The view draws it as SVG. Pure functions.

/** How many moves were completed and how many failed on a day (`2026-11-26`). */
export type MovesOfDay = { day: string; done: number; failed: number };

type Part = { kind: 'done' | 'failed'; y: number; height: number };
type Bar = MovesOfDay & { x: number; width: number; parts: Part[]; label: string };

/** Bars, grid lines and labels in the units of the view box of an SVG. */
export type Chart = {
  width: number;
  height: number;
  left: number;
  bars: Bar[];
  lines: { y: number; text: string }[];
  /** Where the labels of the days stand. */
  baseline: number;
};

const WIDTH = 720;
const HEIGHT = 220;
/** The room for the numbers on the left, for the days below, and for the topmost number. */
const AROUND = { left: 44, bottom: 28, top: 12 };
const LINES = 4;
/** A bar is never lower than this, so that one failure beside a thousand is seen. */
const LEAST = 3;

/** All days of a period, oldest first; those of which nothing is known have no moves. */
export function everyDay(known: MovesOfDay[], today: string, days: number): MovesOfDay[] {
  const byDay = new Map(known.map((one) => [one.day, one]));
  const last = Date.parse(`${today}T00:00:00Z`);
  return Array.from({ length: days }, (_none, index) => {
    const day = new Date(last - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    return byDay.get(day) ?? { day, done: 0, failed: 0 };
  });
}

/** The chart of some days; null when nothing happened on any. */
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

/** Failed moves stand on top of completed ones. */
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

/** The next larger number that the grid lines divide into whole numbers: 4, 8, 20, 40, 80, 200 … */
export function roundUp(number: number): number {
  for (let power = 1; ; power *= 10) {
    const found = [4, 8, 20].map((one) => one * power).find((one) => one >= number);
    if (found) return found;
  }
}

const rounded = (number: number) => Math.round(number * 10) / 10;

const dayFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  timeZone: 'UTC',
});
const shortDay = (day: string) => dayFormat.format(new Date(`${day}T00:00:00Z`));
