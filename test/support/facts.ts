// Builds the input from which a transfer is planned (the type Facts), without a database. For each row, a test gives
// only the values that matter: in the sending environment (`here`) and at the destination (`there`).
import { hashOf } from '../../src/catalog/content.ts';
import {
  initialContent,
  keyFrom,
  keyText,
  titleOf,
  type Content,
  type Row,
} from '../../src/catalog/entity.ts';
import { rootOf } from '../../src/catalog/family.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { pairOf, type RowPair } from '../../src/comparison/compare-pairs.ts';
import type { Facts } from '../../src/sheet/facts.ts';
import { noChoices, type Choices } from '../../src/sheet/choices.ts';
import { planTransfer } from '../../src/sheet/plan.ts';
import type { DestinationState } from '../../src/state/destination-state.ts';
import type { RowState } from '../../src/state/row-state.ts';
import type { Claim } from '../../src/writing/claimed-rows.ts';

export type GivenRow = {
  /**
   * The values of the row in the sending environment that differ from those of a new row; null if that environment does
   * not have the row.
   */
  here?: Content | null;
  there?: Content | null;
  /** The base: the values of the row when it was last equal in both environments. */
  base?: Content | null;
  isDeletedHere?: boolean;
  state?: Partial<RowState>;
  destinationState?: Partial<DestinationState>;
};

/** Builds a valid row, with its key as title. */
export function row(key: string, content: Content = {}): Row {
  const { entity: name, id } = keyFrom(key);
  const entity = entityNamed(name);
  const modified_at = '2026-01-01T00:00:00.000Z';
  return { ...initialContent(entity), [entity.title]: key, ...content, id, modified_at };
}

/** Builds the `names` for planning a transfer: ids by entity and name, as in `namesOf({ city: { Pune: [1] } })`. */
export const namesOf = (ids: Record<string, Record<string, number[]>>): Facts['names'] =>
  new Map(Object.entries(ids).map(([entity, own]) => [entity, new Map(Object.entries(own))]));

/**
 * Builds the input for planning a transfer from rows by key (`form:1`). The user has chosen all of these rows for the
 * transfer. `more` replaces parts of the input.
 */
export function factsOf(given: Record<string, GivenRow>, more: Partial<Facts> = {}): Facts {
  const pairs = Object.entries(given).map(([key, one]) => pairFrom(key, one));
  return {
    from: 'staging',
    to: 'preprod',
    chosen: pairs.map(({ key }) => key),
    pairs: new Map(pairs.map((pair) => [keyText(pair.key), pair])),
    names: new Map(),
    otherSpellings: new Map(),
    namesInDatasets: new Map(),
    namesHere: new Map(),
    columns: new Map(),
    version: { databaseVersion: '1.0.0', isUpdating: false },
    versionHere: '1.0.0',
    claims: [],
    holders: new Map(),
    otherHolders: new Map(),
    references: [],
    statesThere: new Map(),
    tested: new Map(),
    testedForSender: null,
    missingImages: new Set(),
    hostHere: null,
    ...more,
  };
}

function pairFrom(key: string, given: GivenRow): RowPair {
  const { here = null, there = null, base = null, isDeletedHere = false } = given;
  const mine = here ? row(key, here) : undefined;
  const theirs = there ? row(key, there) : undefined;
  const former = row(key, base ?? {});
  const pair = pairOf(
    keyFrom(key),
    { mine, theirs },
    {
      state: stateOf(mine ?? former, key, {
        ...(isDeletedHere ? { deleted_at: '2026-01-02T00:00:00.000Z' } : {}),
        ...given.state,
      }),
      stop: destinationStateOf(base ? former : null, key, given.destinationState),
      mappings: new Map(),
    },
  );
  return base ? { ...pair, base: pair.base ?? former } : pair;
}

/**
 * Builds the entry of a row in the table `row_state`: the editor `ed` changed the row last, and the row is neither
 * deleted nor marked *Not for production*.
 */
export function stateOf(content: Row, key: string, more: Partial<RowState> = {}): RowState {
  const { entity: name, id } = keyFrom(key);
  const entity = entityNamed(name);
  const root = rootOf(entity, content);
  return {
    entity: name,
    row_id: id,
    root_entity: root.entity,
    root_id: root.id,
    title: titleOf(entity, content),
    hash: hashOf(entity, content),
    version: 1,
    created_by: 'ed@example.com',
    created_at: '2026-01-01T00:00:00.000Z',
    changed_by: 'ed@example.com',
    changed_at: '2026-01-01T00:00:00.000Z',
    engineering_by: null,
    engineering_at: null,
    engineering_fields: null,
    adopted_by: null,
    adopted_at: null,
    held_by: null,
    held_at: null,
    held_reason: null,
    deleted_at: null,
    ...more,
  };
}

function destinationStateOf(
  base: Row | null,
  key: string,
  more: Partial<DestinationState> = {},
): DestinationState {
  const { entity: name, id } = keyFrom(key);
  const entity = entityNamed(name);
  return {
    entity: name,
    row_id: id,
    observed_hash: null,
    observed_at: '2026-01-01T00:00:00.000Z',
    base_hash: base && hashOf(entity, base),
    base_at: base && '2026-01-01T00:00:00.000Z',
    undone_hash: null,
    undone_by: null,
    undone_at: null,
    undone_reason: null,
    ...more,
  };
}

export const claimOn = (key: string): Claim => ({
  entity: keyFrom(key).entity,
  row_id: keyFrom(key).id,
  transfer: 'a0000000-0000-4000-8000-000000000000',
  mode: 'write',
  number: 7,
  origin: 'staging',
  fence: 1,
  connection: 1,
  person: 'pm@example.com',
  since: '2026-01-01T09:30:00.000Z',
});

/** Builds a reference from a row at the destination (`referrer`) to another row (`target`). */
export const referenceTo = (target: string, referrer: string, field: string) => ({
  target: keyFrom(target),
  referrer: {
    entity: entityNamed(keyFrom(referrer).entity),
    row: row(referrer, { [field]: keyFrom(target).id }),
    field,
  },
});

export const planOf = (facts: Facts, choices: Partial<Choices> = {}) =>
  planTransfer(facts, { ...noChoices, ...choices });

/**
 * Plans a transfer for which the user has typed confirmations (`words`), for example that changes are overwritten. A
 * confirmation is valid only for the plan that the user saw, so that plan is made first.
 */
export const planWithWords = (facts: Facts, words: Partial<Choices>) =>
  planOf(facts, { ...words, typedFor: planOf(facts, words).hash });

/** Returns the steps of a plan as texts, such as `create form:1`. */
export const actionsOf = ({ steps }: { steps: { action: string; entity: string; id: number }[] }) =>
  steps.map((step) => `${step.action} ${keyText(step)}`);
