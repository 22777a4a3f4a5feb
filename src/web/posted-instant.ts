// Reads a timestamp that a person typed in the time zone that the form named beside the input.
import { parseInstant } from '../catalog/instant.ts';
import { shownText } from '../catalog/shown-text.ts';
import { textOf, type Value } from '../catalog/fields.ts';
import { Invalid } from '../problems.ts';
import { cleanLine } from '../typed-text.ts';
import type { Form } from './form/form.ts';
import { isZone } from './viewer.ts';
import { hasLocalTime, instantsAt, localTimeOf, typedLocalTime } from './local-time.ts';
import { isSame, whichName, zoneName } from './zoned-input.ts';

/**
 * Returns the typed timestamp in UTC, in the spelling of `shownText`. A text with a zone of its own,
 * and every text of a form that names no zone, is returned as it is and counts as UTC.
 * @throws Invalid for a local time that the zone does not have, or has twice
 */
export function postedInstant(
  { name, label }: { name: string; label: string },
  form: Form,
  opened: Value | undefined,
): string | undefined {
  const typed = form.raw(name);
  const zone = form.raw(zoneName(name)) ?? 'UTC';
  const time = typed === undefined || zone === 'UTC' ? null : typedLocalTime(cleanLine(typed));
  if (time === null || !isZone(zone)) return typed;
  const { local, fraction } = time;
  const which = form.text(whichName(name));
  if (fraction === '' && isStored(textOf(opened), local, zone, which)) {
    return shownText({ kind: 'instant' }, opened);
  }
  const found = instantsAt(local, zone);
  const meant = found.length === 1 ? found[0] : found.find((one) => one === which);
  if (meant === undefined) throw new Invalid({ [name]: problemOf(label, zone, found) });
  // The schema of the field refuses a year that is out of range.
  if (parseInstant(meant) === null) return meant;
  return `${meant.slice(0, local.length)}${fraction}`;
}

/** Whether the text is what the form showed for the stored timestamp, so that the person did not change it. */
const isStored = (stored: string, local: string, zone: string, which: string): boolean =>
  hasLocalTime(stored) &&
  localTimeOf(stored, zone) === local &&
  (which === '' || isSame(which, stored));

const problemOf = (label: string, zone: string, found: string[]) =>
  found.length === 0
    ? `${label} does not exist in ${zone}: clocks go forward over this time. Enter another time`
    : `${label} exists twice in ${zone}, because clocks go back. Choose which one`;

/** The zone in which a form is shown again: the one in which it was typed, otherwise the person’s. */
export const zoneOfForm = ({ entries }: Form, personsZone: string): string =>
  entries.find(([name, text]) => name.endsWith(zoneName('')) && isZone(text))?.[1] ?? personsZone;
