// The calculations for the two drawings of the home page (transfers by day, and pending rows by environment), and the
// words that the page Help explains. No database.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { App } from '../../src/environments/app.ts';
import { rulesOf } from '../../src/environments/rules.ts';
import { byDay, dayChart, withinADay, type Quarter } from '../../src/home/days.ts';
import { wordsIn } from '../../src/home/help-page.ts';
import { drawLadder, ladderFrom } from '../../src/home/ladder.ts';
import { statuses } from '../../src/state/status.ts';

const quarterOf = (instant: string) =>
  Math.floor((Date.parse(instant) - Date.UTC(2000, 0, 1)) / 900_000);
const now = Date.parse('2026-11-27T12:00:00Z');

describe('the chart on the home page that shows how many transfers there were each day', () => {
  const found: Quarter[] = [
    { quarter: quarterOf('2026-11-26T18:30:00Z'), kind: 'transfer', number: 3 },
    { quarter: quarterOf('2026-11-26T18:15:00Z'), kind: 'undo', number: 1 },
    { quarter: quarterOf('2026-11-13T10:00:00Z'), kind: 'transfer', number: 9 },
  ];

  test('the home page’s chart counts transfers by the days of the reader’s time zone, even in a zone with a half-hour offset', () => {
    const inUtc = byDay(found, 'UTC', now);
    expect([inUtc.length, inUtc.at(0)?.day, inUtc.at(-1)?.day]).toEqual([
      14,
      '2026-11-14',
      '2026-11-27',
    ]);
    expect(inUtc.at(-2)).toEqual({ day: '2026-11-26', sent: 3, undone: 1 });
    const inIndia = byDay(found, 'Asia/Kolkata', now);
    expect(inIndia.slice(-2)).toEqual([
      { day: '2026-11-26', sent: 0, undone: 1 },
      { day: '2026-11-27', sent: 3, undone: 0 },
    ]);
  });

  test('the home page’s chart of transfers by day scales to its highest bar, and stacks undone transfers on sent transfers', () => {
    const chart = dayChart(byDay(found, 'UTC', now));
    expect(chart?.most).toBe(4);
    expect(chart?.bars.at(-2)?.parts).toEqual([
      { kind: 'sent', y: 31.5, height: 40.5 },
      { kind: 'undone', y: 18, height: 13.5 },
    ]);
    expect(chart?.bars.at(-1)?.parts).toEqual([]);
    expect(dayChart(byDay([], 'UTC', now))).toBeNull();
  });

  test('the home page counts only transfers of the last 24 hours as recent', () => {
    expect(withinADay(found, now)).toBe(3);
    expect(withinADay(found, now + 86_400_000)).toBe(0);
  });
});

describe('the drawing on the home page that shows how many rows wait to be transferred between environments', () => {
  const [staging, preprod, production] = ['staging', 'preprod', 'production'].map((name) => ({
    name,
    rules: rulesOf(name as 'staging'),
  }));
  const own = { answer: { ready: 4, look: 1, engineering: 1, held: 9 }, at: now };

  test('staging’s drawing of rows that wait to be transferred shows all three environments, and no number where none was counted', () => {
    const here = { ...staging, destination: preprod } as unknown as App;
    const drawing = drawLadder('staging', ladderFrom(here, own, null));
    expect(drawing?.stops.map(({ label }) => label)).toEqual([
      'Staging',
      'Pre-production',
      'Production',
    ]);
    expect(drawing?.lines.map(({ number }) => number)).toEqual([6, null]);
  });

  test('the drawing of rows that wait to be transferred begins at its own environment; production, the last environment, has none', () => {
    const here = { ...preprod, destination: production } as unknown as App;
    const drawing = drawLadder('preprod', ladderFrom(here, own, null));
    expect(drawing?.stops.map(({ name }) => name)).toEqual(['preprod', 'production']);
    const last = { ...production, destination: null } as unknown as App;
    expect(drawLadder('production', ladderFrom(last, null, null))).toBeNull();
  });
});

test('the page Help reads the words that it explains from docs/glossary.md, and explains every status of a row', () => {
  const words = wordsIn(readFileSync('docs/glossary.md', 'utf8')).flatMap((group) => group.words);
  expect(words.length).toBeGreaterThan(20);
  const explained = words.map(({ word }) => word).join(', ');
  // A status with a comma, such as “Deleted here, changed there”, combines two statuses that are explained separately.
  for (const status of statuses.filter((one) => !one.includes(', '))) {
    expect(explained).toContain(status);
  }
  expect(words.filter(({ means }) => /[|_`]/.test(means))).toEqual([]);
  expect(new Set(words.map(({ anchor }) => anchor)).size).toBe(words.length);
});
