// The form input for a timestamp: its text in the time zone of the person, and the zone, which is shown beside it.
import type { Value } from '../catalog/fields.ts';
import { textOf } from '../catalog/fields.ts';
import { isLocalTime, shownText } from '../catalog/shown-text.ts';
import { hasLocalTime, instantsAt, localTimeOf, typedLocalTime } from './local-time.ts';

/**
 * The names of the two inputs beside the input of a timestamp: the time zone, and which of two instants is meant if the
 * local time exists twice.
 */
export const zoneName = (name: string) => `${name}_zone`;
export const whichName = (name: string) => `${name}_which`;

const instant = { kind: 'instant' };

export type ZonedInput = {
  text: string;
  /** The type of the input: `text` if a browser’s input for dates and times cannot show this timestamp. */
  type: 'datetime-local' | 'text';
  zone: string;
  zoneName: string;
  whichName: string;
  /** The two instants with this local time when clocks go back; empty if the local time exists only once. */
  which: { instant: string; isChosen: boolean }[];
};

export function zonedInput(name: string, value: Value, personsZone: string): ZonedInput {
  const stored = textOf(value);
  const isShownHere = hasLocalTime(stored);
  const isOdd = stored.endsWith('Z') && !isShownHere;
  // Another program may have stored a year that is out of range. Such a timestamp is shown in UTC.
  const zone = isOdd ? 'UTC' : personsZone;
  const text = isShownHere ? localTimeOf(stored, zone) : shownText(instant, value);
  const typed = typedLocalTime(text);
  const found = typed && zone !== 'UTC' ? instantsAt(typed.local, zone) : [];
  return {
    text,
    type: isLocalTime(text) ? 'datetime-local' : 'text',
    zone,
    zoneName: zoneName(name),
    whichName: whichName(name),
    which:
      found.length < 2 ? [] : found.map((one) => ({ instant: one, isChosen: isSame(one, stored) })),
  };
}

/** Whether two instants are in the same second. */
export const isSame = (one: string, other: string) =>
  shownText(instant, one) === shownText(instant, other);
