// Counts the transfers of each of the last 14 days, and calculates their bar chart, which the view draws as SVG.
import { lastKnown } from '../database/last-known.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { shortDay } from '../web/format.ts';

export type Quarter = { quarter: number; kind: 'transfer' | 'undo'; number: number };

/** How many transfers were sent on a day such as `2026-11-26`, and how many undos of transfers. */
export type DayCounts = { day: string; sent: number; undone: number };

const DAYS = 14;
const QUARTER_MS = 15 * 60_000;
const START = Date.UTC(2000, 0, 1);

/**
 * Counts the transfers of the last two weeks in quarters of an hour. In every time zone, a day begins at a full quarter
 * of an hour, so these counts add up to the days of any time zone. `isSending`: whether to count the transfers that
 * were sent from here, or those that arrived here.
 */
export const quarters = (on: Queryable, isSending: boolean, patience: number) =>
  lastKnown(on, `transfers by quarter ${isSending}`, patience, () =>
    select<Quarter>(on, isSending ? sent : arrived),
  );

const sent = sql`
  select timestampdiff(minute, '2000-01-01', created_at) div 15 as quarter, kind, count(*) as number
    from transfer
   where kind in ('transfer', 'undo') and state = 'verified'
     and created_at > utc_timestamp() - interval ${DAYS} day
   group by quarter, kind`;

const arrived = sql`
  select timestampdiff(minute, '2000-01-01', at) div 15 as quarter, kind,
         count(distinct transfer) as number
    from arrival
   where kind in ('transfer', 'undo') and at > utc_timestamp() - interval ${DAYS} day
   group by quarter, kind`;

/** Counts the transfers by day in a time zone, the oldest day first. Days without a transfer are included. */
export function byDay(found: Quarter[], zone: string, now = Date.now()): DayCounts[] {
  const dayIn = new Intl.DateTimeFormat('en-CA', { timeZone: zone });
  const today = Date.parse(`${dayIn.format(now)}T00:00:00Z`);
  const days = Array.from({ length: DAYS }, (_none, index) => ({
    day: new Date(today - (DAYS - 1 - index) * 86_400_000).toISOString().slice(0, 10),
    sent: 0,
    undone: 0,
  }));
  const counted = new Map(days.map((one) => [one.day, one]));
  for (const { quarter, kind, number } of found) {
    const day = counted.get(dayIn.format(START + quarter * QUARTER_MS));
    if (day) day[kind === 'undo' ? 'undone' : 'sent'] += number;
  }
  return days;
}

/** How many transfers there were within the last 24 hours. */
export const withinADay = (found: Quarter[], now = Date.now()): number =>
  found
    .filter(({ quarter, kind }) => kind === 'transfer' && isWithinADay(quarter, now))
    .reduce((sum, { number }) => sum + number, 0);

const isWithinADay = (quarter: number, now: number) =>
  START + (quarter + 1) * QUARTER_MS > now - 86_400_000;

type Part = { kind: 'sent' | 'undone'; y: number; height: number };
export type DayChart = {
  width: number;
  height: number;
  baseline: number;
  /** The number of transfers and undos on the busiest day, whose bar is the highest. */
  most: number;
  bars: (DayCounts & { x: number; width: number; label: string; parts: Part[] })[];
};

const [WIDTH, HEIGHT, BASELINE, TOP] = [320, 96, 72, 18];

/** Calculates the chart; null if there was no transfer on any of the days. */
export function dayChart(days: DayCounts[]): DayChart | null {
  const most = Math.max(0, ...days.map(({ sent: all, undone }) => all + undone));
  if (most === 0) return null;
  const step = WIDTH / days.length;
  return {
    width: WIDTH,
    height: HEIGHT,
    baseline: BASELINE,
    most,
    bars: days.map((one, index) => ({
      ...one,
      x: rounded(index * step + step * 0.15),
      width: rounded(step * 0.7),
      label: shortDay(one.day),
      parts: partsOf(one, (BASELINE - TOP) / most),
    })),
  };
}

function partsOf({ sent: all, undone }: DayCounts, scale: number): Part[] {
  const heights = { sent: rounded(all * scale), undone: rounded(undone * scale) };
  const parts: Part[] = [
    { kind: 'sent', y: rounded(BASELINE - heights.sent), height: heights.sent },
    {
      kind: 'undone',
      y: rounded(BASELINE - heights.sent - heights.undone),
      height: heights.undone,
    },
  ];
  return parts.filter(({ height }) => height > 0);
}

const rounded = (number: number) => Math.round(number * 10) / 10;
