// The controls of a row's form: each field with its value as the control shows it, its hint and its error.
import {
  fieldEntries,
  labelOf,
  linksIn,
  type Content,
  type Entity,
  type Row,
} from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { textOf, type Field, type Links, type Value } from '../catalog/fields.ts';
import type { FieldErrors } from '../problems.ts';
import { formatChoice, lowerFirst, secretText } from '../web/format.ts';
import { isSecret, sealedParts } from '../catalog/secret.ts';

export type Input = {
  name: string;
  id: string;
  kind: string;
  label: string;
  /** Inside a sentence: `Remove the icon`. */
  labelInText: string;
  hint: string;
  error: string;
  isWrong: boolean;
  isOptional: boolean;
  /** Several controls under one label. */
  isGroup: boolean;
  /** The ids of what describes the control; empty where nothing does. */
  about: string;
  text: string;
  isChecked: boolean;
  choices: { value: string; text: string; isChosen: boolean }[];
  links: LinksInput | null;
  /** Where a picker asks for what it may offer. */
  optionsHref: string;
  /** Of a secret: what may be said about the stored one, and the sealed text of one typed before an error. */
  secret: { state: string; isSet: boolean; typed: string } | null;
  /** The row that a reference leads to. */
  referenced: { href: string; title: string } | null;
};

type Typed = {
  content: Content;
  errors: FieldErrors;
  titles: Map<string, string>;
  /** The row that is edited; null for a new one. */
  stored: Row | null;
};

export const inputsOf = (entity: Entity, typed: Typed): Input[] =>
  fieldEntries(entity).map(([name, field]) => {
    const value = typed.content[name] ?? null;
    const error = typed.errors[name] ?? '';
    const label = labelOf(entity, name);
    const title = field.to ? (typed.titles.get(`${field.to}:${textOf(value)}`) ?? '') : '';
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
      isGroup: ['links', 'image', 'secret'].includes(field.kind),
      about: [field.hint ? `h-${name}` : '', error ? `e-${name}` : ''].filter(Boolean).join(' '),
      text: inputText(field, value, title),
      isChecked: value === true,
      choices: (field.choices ?? []).map((one) => ({
        value: one,
        text: formatChoice(one),
        isChosen: value === one,
      })),
      links: field.links ? linksInput(name, field.links, typed.content) : null,
      optionsHref: field.to ? `/catalog/${field.to}/options` : '',
      secret: isSecret(field) ? secretInput(value, typed.stored?.[name] ?? null) : null,
      referenced:
        field.to && title ? { href: `/catalog/${field.to}/${textOf(value)}`, title } : null,
    };
  });

const secretInput = (value: Value, stored: Value) => ({
  state: stored === null ? 'Not set' : secretText(stored),
  isSet: stored !== null,
  typed: sealedParts(value) && value !== stored ? textOf(value) : '',
});

function inputText({ kind, to }: Field, value: Value, title: string): string {
  if (kind === 'secret') return '';
  if (Array.isArray(value)) return kind === 'list' ? value.map(String).join('\n') : '';
  const text = textOf(value);
  if (to && value && title) return `${title} #${text}`;
  if (to && !value) return '';
  // `datetime-local` knows neither zones nor fractions.
  if (kind === 'instant') return text.replace(/(:\d\d)?(\.\d+)?Z$/, '$1');
  return text;
}

/** A table of links: a column for each part, and lines to fill. */
type LinksInput = {
  target: string;
  columns: { entity: string; label: string; isOptional: boolean }[];
  lines: { name: string; label: string; value: string; list: string }[][];
};

/** Empty lines below the links that there are. */
const FREE_LINES = 3;

function linksInput(field: string, { target, parts }: Links, content: Content): LinksInput {
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
    })),
    lines: lines.map((link: Record<string, string | null>, index) =>
      parts.map((part) => ({
        name: `${field}[${index}][${part.name}]`,
        label:
          part.name === target.name
            ? `${labelIn(part.entity)} ${index + 1}`
            : `${labelIn(part.entity)} of ${targetLabel} ${index + 1}`,
        value: link[part.name] ?? '',
        list: `${part.entity}-names`,
      })),
    ),
  };
}
