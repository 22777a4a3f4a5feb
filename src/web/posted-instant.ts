// Reads a timestamp that a person typed in the time zone that the form named beside the input.
import { parseInstant } from '../catalog/instant.ts';
import { shownText } from '../catalog/shown-text.ts';
import { textOf, type Value } from '../catalog/fields.ts';
import { Invalid } from '../problems.ts';
import { cleanLine } from '../typed-text.ts';
import type { Form } from './form/form.ts';
import { isZone } from '../zoned-text.ts';
import { hasLocalTime, instantsAt, localTimeOf, typedLocalTime } from './local-time.ts';
import { isSame, whichName, zoneName } from './zoned-input.ts';

/**
 * Returns the typed timestamp in UTC, in the spelling of `shownText`. If the text contains a zone itself, or the form
 * names no zone, the text is returned unchanged and counts as UTC.
 * @throws Invalid if the zone skips this local time, or has it twice and the form does not say which one is meant
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
  // An instant whose year is out of range is returned as it is, because the schema of the field refuses it later.
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

/**
 * Returns the time zone in which a refused form is shown again: the zone in which it was typed, or the person’s zone if
 * the form names none.
 */
export const zoneOfForm = ({ entries }: Form, personsZone: string): string =>
  entries.find(([name, text]) => name.endsWith(zoneName('')) && isZone(text))?.[1] ?? personsZone;
