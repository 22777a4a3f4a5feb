// The order in which documents that pass unique values on are written, tested without a database.
import { expect, test } from 'vitest';
import { inHandoverOrder, type Handover } from '../../src/writing/handovers.ts';

/**
 * Makes a document from a text: `A:B` has the value A and will have B; `:B` is new; `A:` is removed
 * before the COMMIT, `A:!` after the COMMIT.
 */
function handover(text: string): Handover<string> {
  const [has = '', wants = ''] = text.split(':');
  const isLater = wants === '!';
  return {
    item: text,
    has: has === '' ? [] : [has],
    wants: wants === '' || isLater ? [] : [wants],
    isLater,
  };
}

/**
 * Returns the order of the writes as texts; `~A:B` means that this document first gets a temporary
 * value.
 */
const ordered = (texts: string[]) =>
  inHandoverOrder(texts.map(handover)).map(({ item, isTemporary }) =>
    isTemporary ? `~${item}` : item,
  );

test.each<[string, string[], string[]]>([
  ['unrelated documents keep their order', ['A:A', 'B:C', ':D'], ['A:A', 'B:C', ':D']],
  ['a chain needs no temporary value', ['A:B', 'B:C', 'C:D'], ['C:D', 'B:C', 'A:B']],
  [
    'a chain that is already in the right order stays as it is',
    ['C:D', 'B:C', 'A:B'],
    ['C:D', 'B:C', 'A:B'],
  ],
  ['a document gives up a value before a new document takes it', [':A', 'A:B'], ['A:B', ':A']],
  ['a swap needs one temporary value', ['A:B', 'B:A'], ['~A:B', 'B:A', 'A:B']],
  [
    'a circle of three needs one temporary value',
    ['A:B', 'B:C', 'C:A'],
    ['~A:B', 'C:A', 'B:C', 'A:B'],
  ],
  [
    'a document that is removed later first gives up its value to a new document',
    [':A', 'A:!'],
    ['~A:!', ':A'],
  ],
  ['a later removal is left out if no document takes its value', ['A:!', 'B:C'], ['B:C']],
  [
    'a removal before the COMMIT comes before the document that takes its value',
    [':A', 'A:'],
    ['A:', ':A'],
  ],
  [
    'two swaps need one temporary value each',
    ['A:B', 'C:D', 'B:A', 'D:C'],
    ['~A:B', 'B:A', 'A:B', '~C:D', 'D:C', 'C:D'],
  ],
  [
    'a chain that ends in a later removal needs one temporary value',
    ['A:B', 'B:C', 'C:!'],
    ['~C:!', 'B:C', 'A:B'],
  ],
  [
    'a document does not wait for a value that another document keeps',
    ['A:B', 'B:B'],
    ['A:B', 'B:B'],
  ],
])(
  'documents that pass unique names on are written in the right order: %s (F13)',
  (_what, given, expected) => {
    expect(ordered(given)).toEqual(expected);
  },
);

test('a chain of 20,000 documents that each take the unique name of the next document is written in the right order (F13)', () => {
  const chain = Array.from({ length: 20_000 }, (_one, index) => `${index}:${index + 1}`);
  expect(ordered(chain)).toEqual(chain.toReversed());
});

test('six documents exchange their unique values in every possible way, and no two of them ever have the same value (F13)', () => {
  const names = ['A', 'B', 'C', 'D', 'E', 'F'];
  for (const wanted of permutations(names)) {
    const now = new Map(names.map((name, index) => [index, name]));
    const writes = inHandoverOrder(
      names.map((name, index) => ({
        item: index,
        has: [name],
        wants: [wanted[index] ?? ''],
        isLater: false,
      })),
    );
    for (const { item, isTemporary } of writes) {
      now.set(item, isTemporary ? `~${item}` : (wanted[item] ?? ''));
      expect(new Set(now.values()).size).toBe(names.length);
    }
    expect([...now.values()]).toEqual(wanted);
    expect(writes.filter(({ isTemporary }) => isTemporary)).toHaveLength(circlesIn(names, wanted));
  }
});

function permutations(names: string[]): string[][] {
  if (names.length === 0) return [[]];
  return names.flatMap((name) =>
    permutations(names.filter((other) => other !== name)).map((rest) => [name, ...rest]),
  );
}

/** Counts the circles of two or more documents in which each document takes the value of the next one. */
function circlesIn(names: string[], wanted: string[]): number {
  const seen = new Set<string>();
  let circles = 0;
  for (const name of names) {
    let length = 0;
    for (let at = name; !seen.has(at); at = wanted[names.indexOf(at)] ?? '') {
      seen.add(at);
      length += 1;
    }
    if (length > 1) circles += 1;
  }
  return circles;
}
