// Sets one field to the same value in many rows: which fields can be set, what the user typed, and which rows would not
// take the value.
import { isSameValue } from '../catalog/content.ts';
import {
  brokenRules,
  derivedFrom,
  fieldEntries,
  labelOf,
  type Content,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import type { Value } from '../catalog/fields.ts';
import { missingReferences } from '../editing/checks.ts';
import { siblingsOf, tiedOrders } from '../editing/order.ts';
import { contentAt, unseenValues } from '../editing/planned-save.ts';
import { save } from '../editing/save.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict, Invalid, NotFound, type FieldErrors } from '../problems.ts';
import { readOne } from '../rows/store.ts';
import type { Author, RowState } from '../state/row-state.ts';
import type { Form } from '../web/form/form.ts';
import type { WriteContext } from '../writing/changes.ts';
import { contentOf, readTyped } from './typed-row.ts';

/** A field, and the value that it gets in each row. */
export type FieldValue = { field: string; value: Value };

const KINDS = ['flag', 'choice', 'integer', 'text', 'long-text', 'link', 'instant', 'reference'];

/**
 * Returns the entity with only the fields that can be set in many rows at once. Values that each row has for itself,
 * unique ones and the order number, are left out, and so are images, secrets, lists and links.
 */
export const settable = derivedFrom((entity): Entity =>
  withFields(
    entity,
    fieldEntries(entity).flatMap(([name, field]) =>
      KINDS.includes(field.kind) && !field.unique && name !== entity.order ? [name] : [],
    ),
  ),
);

/** Returns the entity with only these fields, and without rules between fields. */
const withFields = (entity: Entity, names: string[]): Entity => ({
  ...entity,
  fields: Object.fromEntries(fieldEntries(entity).filter(([name]) => names.includes(name))),
  rules: () => ({}),
});

/**
 * Parses the value that the user typed for the field whose button was pressed, as the form of a row does.
 * @throws Invalid if the value is missing or wrong
 */
export async function postedValue(
  here: Environment,
  entity: Entity,
  form: Form,
): Promise<FieldValue> {
  const asked = form.text('field');
  const field = fieldEntries(settable(entity)).find(([name]) => name === asked)?.[1];
  if (!field) throw new Invalid({ field: 'Choose a field from the list' });
  refuseOthers(entity, form, asked);
  if (field.kind === 'flag' && !['yes', 'no'].includes(form.text(asked))) {
    throw new Invalid({ [asked]: 'Choose Yes or No' });
  }
  const one = withFields(entity, [asked]);
  const content = contentOf(one, await readTyped(here, one, form, null));
  refuse(await missingReferences(here, one, content));
  return { field: asked, value: content[asked] ?? null };
}

/**
 * Refuses the request if the user also filled in a field other than the chosen one. The Enter key
 * presses the first button of a form, which may belong to another field than the user typed into.
 */
function refuseOthers(entity: Entity, form: Form, asked: string) {
  const others = fieldEntries(settable(entity)).filter(
    ([name]) => name !== asked && form.text(name) !== '',
  );
  refuse(
    Object.fromEntries(
      others.map(([name]) => [
        name,
        `One field is set at a time: press the button of ${labelOf(entity, name)}, or empty it`,
      ]),
    ),
  );
}

function refuse(errors: FieldErrors) {
  if (Object.keys(errors).length > 0) throw new Invalid(errors);
}

type Shown = { row: Row; state: RowState | undefined };

/** Finds out for each row whether it has the value already or would refuse it, with a fixed number of queries. */
export async function lookAtValue(
  here: Environment,
  entity: Entity,
  shown: Shown[],
  { field, value }: FieldValue,
) {
  const tied = await tiesAt(here, entity, { field, value });
  return shown.map(({ row, state }) => {
    const seen = String(state?.version ?? 0);
    if (isSameValue(row[field], value)) return { skip: 'has this value already', seen };
    const wanted = { ...row, [field]: value };
    const errors = { ...unseenValues(row, wanted), ...rulesBrokenBy(entity, row, field, value) };
    const why = Object.values(errors)[0] ?? tied(wanted);
    return why === undefined ? { skip: null, seen } : { skip: why, seen, isRefused: true };
  });
}

function rulesBrokenBy(entity: Entity, content: Content, field: string, value: Value) {
  const others = Object.entries(content).filter(([name]) => name !== field);
  return brokenRules(entity, { ...content, [field]: value }, Object.fromEntries(others));
}

/**
 * Returns a function that says why a row cannot move to another parent row: its order number is taken there, or by a row
 * that moves before it.
 */
async function tiesAt(here: Environment, entity: Entity, { field, value }: FieldValue) {
  if (entity.order === null || field !== entity.owner) return () => undefined;
  const siblings = await siblingsOf(here, entity, { [field]: value });
  const there = siblings.map((content) => ({ ref: '', content }));
  return (moved: Row): string | undefined => {
    const own = { ref: 'own', content: moved };
    const tied = tiedOrders(entity, [...there, { ...own, isNew: true }]).get('own');
    if (tied === undefined) there.push({ ...own, ref: '' });
    return tied;
  };
}

/**
 * Sets the field of one row. `seen`: the version of the row that the page showed.
 * @throws Problem with the reason if the row does not take the value
 */
export async function setValue(
  writes: WriteContext,
  author: Author,
  { entity, key, seen }: { entity: Entity; key: RowKey; seen: string },
  { field, value }: FieldValue,
) {
  const version = Number(seen);
  const opened = await contentAt(writes.here, key, version);
  if (!opened) throw new NotFound('It is not here any more.');
  // Another user may have changed a field meanwhile that a rule compares with this one.
  const present = (await readOne(writes.here, key)) ?? opened;
  refuse(rulesBrokenBy(entity, present, field, value));
  const wanted = { ...opened, [field]: value };
  const changed = await save(writes, author, { entity, id: key.id }, wanted, version);
  if (changed.length === 0) throw new Conflict('It has this value already.');
}
