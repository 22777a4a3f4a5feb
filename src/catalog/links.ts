// Links connect a row with rows that every environment finds by name, because their ids differ: a task with the city
// `Pune`, served there by the partner `Metro Cabs`. The parts of a link are the linked row (the city) and further names
// beside it (the partner). A row contains parts as names; the table of the links contains them as ids, in columns
// `<part>_id`.
import { z } from 'zod';
import { field, type Link, type LinkPart, type Links, type Options, type Value } from './fields.ts';
import { line } from './schemas.ts';
import { shownLine, linksOfValue } from './shown-text.ts';

type ByName = { entity: string };

/** Defines a further part of a link: the name of a row of `entity`. It may be empty. */
export const byName = (entity: string): ByName => ({ entity });

/**
 * Defines links to rows of the entity `to`, which are found by name and stored in the table `through`, with further
 * names beside each.
 */
export function links(
  to: string,
  {
    by: _by,
    through,
    with: beside = {},
    ...options
  }: Options & { by: 'name'; through: string; with?: Record<string, ByName> },
) {
  const target = { name: to, entity: to, isOptional: false };
  const others = Object.entries(beside).map(([name, { entity }]) => ({
    name,
    entity,
    isOptional: true,
  }));
  const kept: Links = { through, target, parts: [target, ...others] };
  return field<Link[]>(
    'links',
    { ...options, optional: true },
    { schema: (_label, opened) => linksSchema(kept, opened), initial: [], links: kept },
  );
}

/**
 * The schema of posted links. A line that was posted as the form showed it keeps its stored names; other lines are
 * parsed as typed.
 */
function linksSchema(kept: Links, opened: Value | undefined) {
  const shown = new Map(linksOfValue(opened).map((link) => [shownLine(kept, link), link]));
  const typed = z.object(Object.fromEntries(kept.parts.map(({ name }) => [name, line])));
  const asShown = z.record(z.string(), z.string()).transform((posted, context) => {
    const link = shown.get(shownLine(kept, posted));
    if (!link) context.addIssue({ code: 'custom', message: 'It was typed' });
    return link as Link;
  });
  const nameOf = (link: Link | undefined) => link?.[kept.target.name];
  return z
    .array(z.union([asShown, typed.transform((posted) => linkFrom(kept, posted))]))
    .optional()
    .transform((lines) =>
      sortLinks(
        kept,
        (lines ?? []).filter((link) => nameOf(link) !== null),
      ),
    )
    .superRefine((sorted, context) => {
      const twice = sorted.find(
        (link, index) => index > 0 && nameOf(link) === nameOf(sorted[index - 1]),
      );
      if (twice) {
        const message = `${nameOf(twice)} is listed twice. Keep one line for it.`;
        context.addIssue({ code: 'custom', message });
      }
    });
}

const linkFrom = ({ parts }: Links, posted: Record<string, string>): Link =>
  linkOf(parts, ({ name }) => posted[name] || null);

/** Builds a link from the names of its parts, in Unicode NFC. */
export const linkOf = (parts: LinkPart[], nameOf: (part: LinkPart) => string | null): Link =>
  Object.fromEntries(parts.map((part) => [part.name, nameOf(part)?.normalize('NFC') ?? null]));

/** Sorts links by code point, so that equal sets have equal texts. */
export function sortLinks({ target: { name } }: Links, set: Link[]): Link[] {
  const key = (link: Link) => link[name] ?? '';
  return set.toSorted((one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0));
}

type PackedLink = (string | null)[];

/** Links in canonical texts: sorted, the names of each as a list. */
export const packLinks = (kept: Links, set: Link[]): PackedLink[] =>
  sortLinks(kept, set).map((link) => kept.parts.map(({ name }) => link[name] ?? null));

export const unpackLinks = ({ parts }: Links, packed: PackedLink[]): Link[] =>
  packed.map((names) =>
    Object.fromEntries(parts.map(({ name }, index) => [name, names[index] ?? null])),
  );
