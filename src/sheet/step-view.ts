// A row of the transfer sheet as its page shows it: what the transfer does to it, and its changed fields.
import { isSameValue } from '../catalog/content.ts';
import { fieldEntries, keyText, labelOf, titleOf, type Entity } from '../catalog/entity.ts';
import { textOf, type Field, type Value } from '../catalog/fields.ts';
import { isSecret } from '../catalog/secret.ts';
import { entityNamed } from '../catalog/index.ts';
import { fieldChanges } from '../comparison/field-diff.ts';
import { rulesOf } from '../environments/rules.ts';
import { hasPreview } from '../preview/preview.ts';
import { isUndo } from '../state/transfer-kinds.ts';
import { formatValue, lowerFirst, wordDiff } from '../web/format.ts';
import type { Choices } from './choices.ts';
import { shownStatus, type Facts } from './facts.ts';
import { changedThere } from './overwrites.ts';
import type { PlannedStep } from './planned-step.ts';
import type { Selection } from './selections.ts';
import { sheetKinds } from './sheet-kinds.ts';

const actionTexts = {
  create: 'is created',
  update: 'is updated',
  remove: 'is removed',
  same: 'stays as it is',
};

export function stepView(step: PlannedStep, facts: Facts, selection: Selection) {
  const { kind, choices, keys } = selection;
  const entity = entityNamed(step.entity);
  const fields = fieldViews(step, facts);
  const differing = fields.filter(({ isSame, isExcluded }) => !isSame || isExcluded);
  const same = fields.filter(({ isSame, isExcluded }) => isSame && !isExcluded);
  const isUpdate = step.before !== null && step.after !== null;
  const isChosen = keys.some((key) => keyText(key) === keyText(step));
  const canExclude = differing.length > 1 || step.excludedFields.length > 0;
  const theirs = differing.some(({ base }) => base !== null);
  return {
    key: keyText(step),
    entity,
    title: step.title,
    subtitle: subtitleOf(step, facts),
    changesText: changesText(step, differing),
    status: step.pair && shownStatus(facts, step.pair),
    shape: shapeOf(step, differing.length),
    removalText: removalText(selection, facts),
    removedFields: valuesOf(fields, 'before'),
    createdFields: valuesOf(differing, 'after'),
    differing,
    same,
    titles: titlesIn(facts, fields),
    sameText:
      same.length === 1
        ? 'Show 1 field that is the same'
        : `Show ${same.length} fields that are the same`,
    hasBase: theirs,
    changedThere: theirs ? (facts.statesThere.get(keyText(step)) ?? null) : null,
    mayExclude: (kind === 'transfer' || kind === 'takeover') && isUpdate && canExclude,
    previewHref: hasPreview(entity) ? previewAddress(step, selection) : '',
    leaves: !isUndo(selection) && keys.length > 1 && isChosen ? [leaveInput(keyText(step))] : [],
    locals: isUndo(selection) ? [] : localInputs(step, entity, choices),
  };
}

function removalText(selection: Selection, { from, to }: Facts): string {
  if (isUndo(selection)) return 'It was created by this transfer and is removed again.';
  return selection.kind === 'takeover'
    ? `It was deleted in ${rulesOf(from).inText} and is removed in ${rulesOf(to).inText}.`
    : 'It was deleted here and is removed there.';
}

const previewAddress = ({ entity, id }: PlannedStep, on: Pick<Selection, 'kind' | 'id'>) =>
  `${sheetKinds[on.kind].path}/${on.id}/preview/${entity}/${id}`;

/** Returns the checkbox that leaves these rows out of the transfer. */
export const leaveInput = (key: string, keys = key, text = 'Leave this out') => ({
  id: `out-${key}`,
  keys,
  text,
});

/** The titles of the rows to which these fields refer, so that the fields show titles and not only ids. */
function titlesIn({ pairs }: Facts, fields: ReturnType<typeof fieldViews>): Map<string, string> {
  const titles = new Map<string, string>();
  for (const { definition, values } of fields) {
    for (const value of definition.to === undefined ? [] : [values.before, values.after]) {
      const pair = pairs.get(`${definition.to}:${textOf(value)}`);
      const row = pair?.here ?? pair?.there;
      if (pair && row) titles.set(keyText(pair.key), titleOf(pair.entity, row));
    }
  }
  return titles;
}

/**
 * Returns the label, the definition, and the value before or after the transfer of each field, for the views that list
 * values.
 */
const valuesOf = (fields: ReturnType<typeof fieldViews>, side: 'before' | 'after') =>
  fields.map(({ label, definition, values }) => ({ label, definition, value: values[side] }));

/** Returns which partial shows a step (the planned change of one row): views/sheet/step-<shape>. */
function shapeOf(
  { action }: PlannedStep,
  differing: number,
): 'removal' | 'creation' | 'changes' | 'resend' {
  if (action === 'remove') return 'removal';
  if (action === 'create') return 'creation';
  return differing > 0 ? 'changes' : 'resend';
}

const FIELDS = 3;

/** Returns what happens to a row in a few words: `Title, Reward and 4 more change` */
function changesText({ action }: PlannedStep, differing: { label: string; isExcluded: boolean }[]) {
  const labels = differing.filter(({ isExcluded }) => !isExcluded).map(({ label }) => label);
  if (action !== 'update' || labels.length === 0) return actionTexts[action];
  const more = labels.length > FIELDS ? ` and ${labels.length - FIELDS} more` : '';
  return `${labels.slice(0, FIELDS).join(', ')}${more} ${labels.length === 1 ? 'changes' : 'change'}`;
}

/** Returns the line above the fields of a row: `ID 12 · of form “Visit” · belongs to this form` */
function subtitleOf(step: PlannedStep, { pairs }: Facts): string {
  const owner = keyText(step) === keyText(step.root) ? undefined : pairs.get(keyText(step.root));
  const row = owner?.here ?? owner?.there;
  return [
    step.id > 0 ? `ID ${step.id}` : 'with an ID of the destination',
    owner && row ? `of ${lowerFirst(owner.entity.label.one)} “${titleOf(owner.entity, row)}”` : '',
    step.because ?? '',
  ]
    .filter(Boolean)
    .join(' · ');
}

/** Whether the values of a field are texts, whose words are compared one by one. */
const comparesWords = ({ kind }: Field) => ['text', 'long-text', 'list'].includes(kind);

/**
 * Returns two values that are shown as a whole and not compared word by word. They get no plus or minus sign, because a
 * sign before a number would look like a part of the number.
 */
const wholeValues = (was: string, will: string): ReturnType<typeof wordDiff> => ({
  before: [{ text: was, kind: 'same' }],
  after: [{ text: will, kind: 'same' }],
});

function fieldViews(step: PlannedStep, { pairs }: Facts) {
  const text = (field: Field, value: Value | undefined) => {
    const pair = field.to ? pairs.get(`${field.to}:${textOf(value)}`) : undefined;
    const row = pair?.here ?? pair?.there;
    const plain = formatValue(field, value);
    return pair && row ? `${titleOf(pair.entity, row)} #${plain}` : plain;
  };
  const base = step.pair?.base;
  const theirs = new Set(step.pair ? changedThere(step.pair) : []);
  return fieldChanges(step).map(({ field, definition, label, before, after }) => {
    const [was, will] = [text(definition, before), text(definition, after)];
    const isExcluded = step.excludedFields.includes(field);
    const parts = comparesWords(definition) ? wordDiff(was, will) : wholeValues(was, will);
    const isPicture = definition.kind === 'image';
    return {
      field,
      label,
      definition,
      values: { before, after },
      isSame: isSameValue(before, after),
      isExcluded,
      was,
      value: after,
      // Two images are compared by eye, every other value word by word.
      picture: {
        before: isPicture && was !== '' ? [definition, before] : null,
        after: isPicture && will !== '' && !isExcluded ? [definition, after] : null,
      },
      lacksBefore: was === '',
      lacksAfter: !isExcluded && will === '',
      before: isPicture ? [] : parts.before,
      after: isPicture || isExcluded ? [] : parts.after,
      ours: (isExcluded && text(definition, step.pair?.here?.[field])) || 'Empty',
      /** The value when both sides were last equal; null if the destination has not changed the value since. */
      base: theirs.has(field) ? text(definition, base?.[field]) || 'Empty' : null,
    };
  });
}

/**
 * The inputs for environment-specific fields (such as an endpoint). Their values are never transferred, so the sheet
 * asks for them when a row is new at the destination.
 */
function localInputs(step: PlannedStep, entity: Entity, choices: Choices) {
  if (step.action !== 'create') return [];
  const key = keyText(step);
  return fieldEntries(entity)
    .filter(([, field]) => field.local)
    .map(([name, field]) => ({
      id: `local-${step.entity}-${step.id}-${name}`,
      isSecret: isSecret(field),
      name: `local[${key}][${name}]`,
      label: labelOf(entity, name),
      typed: isSecret(field) ? '' : (choices.locals[key]?.[name] ?? ''),
      isTyped: Boolean(choices.locals[key]?.[name]),
    }));
}
