// Defines links. A link connects a row with rows that are found by name, because their ids differ between environments.
// For example, a link connects a task with the city `Pune` and with the partner `Metro Cabs`, which serves the city.
// The parts of this link are the linked row (the city) and a further name (the partner). A row contains the names of
// the parts; the table of the links contains their ids, in columns `<part>_id`.
import { z } from 'zod';
import { field, type Link, type LinkPart, type Links, type Options, type Value } from './fields.ts';
import { line } from './schemas.ts';
import { shownLine, linksOfValue } from './shown-text.ts';

type ByName = { entity: string };

/**
 * Defines a further, optional part of a link, such as the partner: the name of a row of `entity`.
 */
export const byName = (entity: string): ByName => ({ entity });

/**
 * Defines a field with links to rows of the entity `to`, which are found by name. `through` is the
 * table of the links, and `with` defines the further names in each link.
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
 * The schema of posted links. A link that was posted as the form showed it keeps its stored names;
 * any other link is parsed as typed text.
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

/**
 * Sorts links by the name of the linked row, by code point, so that equal sets of links have equal
 * texts.
 */
export function sortLinks({ target: { name } }: Links, set: Link[]): Link[] {
  const key = (link: Link) => link[name] ?? '';
  return set.toSorted((one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0));
}

type PackedLink = (string | null)[];

/** Packs links for canonical texts: sorts the links, and turns each link into a list of names. */
export const packLinks = (kept: Links, set: Link[]): PackedLink[] =>
  sortLinks(kept, set).map((link) => kept.parts.map(({ name }) => link[name] ?? null));

export const unpackLinks = ({ parts }: Links, packed: PackedLink[]): Link[] =>
  packed.map((names) =>
    Object.fromEntries(parts.map(({ name }, index) => [name, names[index] ?? null])),
  );
