// Builds the inputs of a row’s form: for each field the value as the input shows it, a hint and an error.
import {
  fieldEntries,
  labelOf,
  linksIn,
  shownName,
  type Content,
  type Entity,
  type Row,
} from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { textOf, type Field, type Links, type Value } from '../catalog/fields.ts';
import { pickerText, shownText } from '../catalog/shown-text.ts';
import type { FieldErrors } from '../problems.ts';
import { zonedInput, type ZonedInput } from '../web/zoned-input.ts';
import { formatChoice, lowerFirst, secretText } from '../web/format.ts';
import { isSecret, sealedParts } from '../catalog/secret.ts';

export type Input = {
  name: string;
  id: string;
  kind: string;
  label: string;
  /** The label as part of a sentence: `Remove the icon`. */
  labelInText: string;
  hint: string;
  error: string;
  isWrong: boolean;
  isOptional: boolean;
  /** The name of the choice that this field depends on, and with which of its values the field is used. */
  usedWith: { name: string; values: string } | null;
  /** Whether the field has several inputs that share one label. */
  isGroup: boolean;
  /**
   * The ids of the hint, the error and the time zone of the input, for `aria-describedby`; empty when the input has
   * none of them.
   */
  about: string;
  text: string;
  /**
   * For a picker (an input with suggestions): the text that the picker showed when the form was
   * opened.
   */
  shown: { name: string; text: string } | null;
  /** The text inside a textarea; a line break at its start is doubled, because browsers drop it. */
  areaText: string;
  /** For a timestamp: how it is shown and typed in the zone of the person. */
  zoned: ZonedInput | null;
  isChecked: boolean;
  /** The width of the input, chosen by the kind and the maximum length of the field. */
  width: 'short' | 'medium' | 'full';
  choices: { value: string; text: string; isChosen: boolean }[];
  links: LinksInput | null;
  /** The URL from which a picker (an input with suggestions) loads its options. */
  optionsHref: string;
  /**
   * For a secret field: whether a secret is stored, and the encrypted text of a secret that the
   * user typed in an earlier post, which was refused because of another field.
   */
  secret: { state: string; isSet: boolean; typed: string } | null;
  /**
   * For a reference: the URL of the form that adds a row to refer to, and what such a row is
   * called, such as `business`.
   */
  newHref: string;
  referencedLabel: string;
  /** A link to the row that a reference points to. */
  referenced: { href: string; title: string } | null;
};

type Typed = {
  /** The time zone of the person who fills in the form. */
  zone: string;
  content: Content;
  errors: FieldErrors;
  titles: Map<string, string>;
  /** The content with which the form was opened; null if the form shows that content. */
  opened: Content | null;
  /** The row being edited; null for a new row. */
  stored: Row | null;
  /** What the names of the inputs begin with, for a dependent row in the form of its parent row. */
  prefix?: string;
};

export const inputsOf = (entity: Entity, typed: Typed): Input[] =>
  fieldEntries(entity).map(([own, field]) => {
    const value = typed.content[own] ?? null;
    const error = typed.errors[own] ?? '';
    const label = labelOf(entity, own);
    const name = `${typed.prefix ?? ''}${own}`;
    const title = titleIn(typed.titles, field, value);
    const zoned = field.kind === 'instant' ? zonedInput(name, value, typed.zone) : null;
    const text = zoned?.text ?? inputText(field, value, title);
    return {
      name,
      id: `f-${name}`,
      kind: field.kind,
      label,
      labelInText: lowerFirst(label),
      hint: field.hint ?? '',
      error,
      isWrong: error !== '',
      isOptional: field.optional,
      usedWith: usedWith(field, typed.prefix),
      isGroup: ['links', 'image', 'secret'].includes(field.kind),
      about: aboutOf(name, { hint: field.hint, error, zoned }),
      text,
      shown: field.to ? shownIn(typed, own, field) : null,
      areaText: text.startsWith('\n') ? `\n${text}` : text,
      zoned,
      isChecked: value === true,
      width: widthOf(field),
      choices: choicesOf(field, value),
      links: field.links ? linksInput(own, field.links, typed) : null,
      optionsHref: field.to ? `/catalog/${field.to}/options` : '',
      newHref: field.to ? `/catalog/${field.to}/new` : '',
      referencedLabel: field.to ? lowerFirst(entityNamed(field.to).label.one) : '',
      secret: isSecret(field) ? secretInput(value, typed.stored?.[own] ?? null) : null,
      referenced:
        field.to && title ? { href: `/catalog/${field.to}/${textOf(value)}`, title } : null,
    };
  });

const aboutOf = (name: string, has: { hint: unknown; error: unknown; zoned: unknown }) =>
  [has.hint ? `h-${name}` : '', has.error ? `e-${name}` : '', has.zoned ? `z-${name}` : '']
    .filter(Boolean)
    .join(' ');

const usedWith = ({ usedWith: one }: Field, prefix = '') =>
  one ? { name: prefix + one.field, values: one.values.join(' ') } : null;

const secretInput = (value: Value, stored: Value) => ({
  state: stored === null ? 'Not set' : secretText(stored),
  isSet: stored !== null,
  typed: sealedParts(value) && value !== stored ? textOf(value) : '',
});

const titleIn = (titles: Map<string, string>, { to }: Field, value: Value) =>
  to ? (titles.get(`${to}:${textOf(value)}`) ?? '') : '';

function widthOf({ kind, to, max = Infinity }: Field): Input['width'] {
  if (to || kind === 'choice') return 'medium';
  if (kind === 'integer' || kind === 'instant' || max <= 12) return 'short';
  return kind === 'text' && max <= 120 ? 'medium' : 'full';
}

function shownIn({ content, opened, titles, prefix = '' }: Typed, name: string, field: Field) {
  const value = (opened ?? content)[name] ?? null;
  return {
    name: `${prefix}${shownName(name)}`,
    text: inputText(field, value, titleIn(titles, field, value)),
  };
}

/**
 * Returns the text that an input shows for a value. A picker shows the title and the id of the row.
 */
function inputText(field: Field, value: Value, title: string): string {
  const text = shownText(field, value);
  return field.to && title ? pickerText(title, text) : text;
}

/**
 * Returns the options of a field. A stored value that is no longer an option is listed, too, so
 * that the user can keep it.
 */
function choicesOf({ choices = [] }: Field, value: Value) {
  const stored = textOf(value);
  const others = stored === '' || choices.includes(stored) ? [] : [stored];
  const options = choices.map((one) => ({ value: one, text: formatChoice(one) }));
  const former = others.map((one) => ({ value: one, text: `${one} (not in the list any more)` }));
  return [...options, ...former].map((one) => ({ ...one, isChosen: one.value === stored }));
}

/** A table of links in a form: one column for each part of a link, and empty lines to fill in. */
type LinksInput = {
  target: string;
  columns: {
    entity: string;
    label: string;
    isOptional: boolean;
    /**
     * The URL of the form that adds a row to choose in this column, and the URL from which the
     * pickers of the column load their options.
     */
    newHref: string;
    optionsHref: string;
  }[];
  lines: { name: string; label: string; value: string; list: string; optionsHref: string }[][];
};

/** How many empty lines a form adds below the existing links. */
const FREE_LINES = 3;

function linksInput(
  field: string,
  { target, parts }: Links,
  { content, prefix = '' }: Typed,
): LinksInput {
  const links = Array.isArray(content[field]) ? linksIn(content, field) : [];
  const lines = [...links, ...Array.from({ length: FREE_LINES }, () => ({}))];
  const labelIn = (entity: string) => entityNamed(entity).label.one;
  const targetLabel = lowerFirst(labelIn(target.entity));
  return {
    target: targetLabel,
    columns: parts.map(({ entity, isOptional }) => ({
      entity,
      label: labelIn(entity),
      isOptional,
      newHref: `/catalog/${entity}/new`,
      optionsHref: `/catalog/${entity}/options`,
    })),
    lines: lines.map((link: Record<string, string | null>, index) =>
      parts.map((part) => ({
        name: `${prefix}${field}[${index}][${part.name}]`,
        label:
          part.name === target.name
            ? `${labelIn(part.entity)} ${index + 1}`
            : `${labelIn(part.entity)} of ${targetLabel} ${index + 1}`,
        value: link[part.name] ?? '',
        list: `${part.entity}-names`,
        optionsHref: `/catalog/${part.entity}/options`,
      })),
    ),
  };
}
