// The eleven statuses computed from three hashes, and the order in which entities are written.
import { expect, test } from 'vitest';
import { catalog, entityNamed } from '../../src/catalog/index.ts';
import { inWritingOrder, promotionOrder } from '../../src/catalog/order.ts';
import { isReady, overwrites, statuses, statusOf, withDependents } from '../../src/state/status.ts';

const table = [
  ['x', null, null, 'New'],
  ['x', 'y', 'x', 'In sync'],
  ['x', null, 'x', 'In sync'],
  ['y', 'x', 'x', 'Changed here'],
  ['x', 'x', 'z', 'Changed there'],
  ['y', 'x', 'z', 'Changed on both'],
  ['y', null, 'z', 'Not known to be the same row'],
  ['deleted', 'x', 'x', 'Deleted here'],
  ['deleted', 'x', 'z', 'Deleted here, changed there'],
  ['x', 'x', null, 'Deleted there'],
  ['y', 'x', null, 'Changed here, deleted there'],
  [null, 'x', 'x', 'Only there'],
  [null, 'x', null, null],
  ['deleted', 'x', null, null],
] as const;

test.each(table)(
  'a row with content %s here, %s when last in sync and %s at the destination has the status “%s”',
  (here, base, there, expected) => {
    const isDeletedHere = here === 'deleted';
    expect(statusOf({ here: isDeletedHere ? null : here, base, there, isDeletedHere })).toBe(
      expected,
    );
  },
);

test('S0-96 a row has exactly one of eleven statuses', () => {
  expect(statuses).toHaveLength(11);
  const reached = new Set(table.flatMap(([, , , status]) => status ?? []));
  expect(reached).toEqual(new Set(statuses));
});

test('rows with the status New or Changed here are ready to transfer; sending a row with another status may overwrite the destination', () => {
  expect(statuses.filter(isReady)).toEqual(['New', 'Changed here']);
  expect(statuses.filter((status) => !overwrites(status))).toEqual([
    'New',
    'In sync',
    'Changed here',
    'Deleted here',
  ]);
});

test('a row counts as changed if one of its dependent rows has changed', () => {
  expect(withDependents('In sync', ['In sync', 'New'])).toBe('Changed here');
  expect(withDependents('In sync', ['Deleted here', 'Changed here'])).toBe('Changed here');
  expect(withDependents('In sync', ['Changed there'])).toBe('Changed there');
  expect(withDependents('In sync', ['New', 'Changed there'])).toBe('Changed on both');
  expect(withDependents('New', ['New'])).toBe('New');
});

test('a transfer writes each entity after the entities that it refers to', () => {
  const order = promotionOrder(catalog).map(({ name }) => name);
  const before = (one: string, other: string) => order.indexOf(one) < order.indexOf(other);
  expect(before('business', 'task')).toBe(true);
  expect(before('form', 'task')).toBe(true);
  expect(before('form', 'form_field')).toBe(true);
  expect(before('task', 'sts')).toBe(true);
  const steps = [
    { entity: 'task', id: 2 },
    { entity: 'task', id: 1 },
    { entity: 'city', id: 9 },
    { entity: 'business', id: 3 },
  ];
  expect(inWritingOrder(steps).map(({ entity, id }) => `${entity} ${id}`)).toEqual([
    'city 9',
    'business 3',
    'task 1',
    'task 2',
  ]);
});

test('the order in which entities are written cannot be computed if their references form a circle', () => {
  const task = entityNamed('task');
  const fields = { ...task.fields, task: { ...task.fields['business']!, to: 'order_receipt' } };
  const circle = catalog.map((one) => (one.name === 'task' ? { ...one, fields } : one));
  expect(() => promotionOrder(circle)).toThrow('References go in a circle');
});
