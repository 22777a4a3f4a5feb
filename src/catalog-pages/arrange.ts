// Changes the dependent rows of an unsaved form after a click on one of their buttons: add, duplicate, move up or move
// down.
import { initialContent, type Content, type Entity } from '../catalog/entity.ts';
import { dependentsOf } from '../catalog/family.ts';
import { secretsOf } from '../catalog/secret.ts';
import { inOrder, nextOrder } from '../editing/order.ts';
import type { ShownChild } from './typed-family.ts';

/**
 * Changes the dependent rows as the clicked button says. The value of the button is `add
 * form_field`, or `copy`, `up` or `down` followed by the prefix of a row’s inputs. Returns the
 * dependent rows, and in `opened` the prefix of the row that the page shows open.
 */
export function arranged(
  entity: Entity,
  children: ShownChild[],
  button: string,
): { children: ShownChild[]; opened: string } {
  const [verb = '', name = ''] = button.split(' ');
  const child = dependentsOf(entity).find((one) => one.name === name.split('.')[0]);
  const row = children.find(({ ref }) => ref === name);
  if (verb === 'add' && child) return withNew(child, children, initialContent(child));
  if (verb === 'copy' && child && row) return withNew(child, children, row.content);
  if (child && row && (verb === 'up' || verb === 'down')) {
    return { children: moved(child, children, row, verb === 'up' ? -1 : 1), opened: '' };
  }
  return { children, opened: '' };
}

/**
 * Makes a new dependent row with the given content, to follow its siblings. Secrets are never
 * copied.
 */
export function newChild(entity: Entity, siblings: ShownChild[], content: Content): ShownChild {
  const own = siblings.filter((one) => one.entity === entity);
  const numbers = own.map(({ ref }) => Number(/\.n(\d+)\.$/.exec(ref)?.[1] ?? 0));
  const contents = own.map((one) => one.content);
  const order = entity.order ? { [entity.order]: nextOrder(entity, contents) } : {};
  const secrets = Object.fromEntries(secretsOf(entity).map((name) => [name, null]));
  return {
    ref: `${entity.name}.n${1 + Math.max(0, ...numbers)}.`,
    entity,
    id: null,
    version: 0,
    isRemoved: false,
    content: { ...content, ...order, ...secrets },
    opened: null,
  };
}

function withNew(entity: Entity, children: ShownChild[], content: Content) {
  const added = newChild(entity, children, content);
  return { children: [...children, added], opened: added.ref };
}

/**
 * Moves a row one place up or down among its siblings. The rows then get the same order numbers in
 * their new order. Repeated order numbers are raised first, so that each number occurs once.
 */
function moved(entity: Entity, children: ShownChild[], row: ShownChild, by: 1 | -1): ShownChild[] {
  const { order } = entity;
  const own = inOrder(
    entity,
    children.filter((one) => one.entity === entity),
    ({ content }) => content,
  );
  const from = own.indexOf(row);
  const target = own[from + by];
  if (order === null || !target) return children;
  const numbers: number[] = [];
  for (const { content } of own) {
    const number = content[order];
    const least = (numbers.at(-1) ?? 0) + 1;
    numbers.push(typeof number === 'number' ? Math.max(number, least) : least);
  }
  const places = own.with(from, target).with(from + by, row);
  return children.map((one) => {
    const place = places.indexOf(one);
    return place < 0
      ? one
      : { ...one, content: { ...one.content, [order]: numbers[place] ?? null } };
  });
}
