// The order in which documents pass unique values on, computed without a database.
import { expect, test } from '@jest/globals';
import { inHandoverOrder, type Handover } from '../../src/writing/handovers.ts';

/**
 * A document as a text: `A:B` has the value A and will have B; `:B` is new; `A:` is removed before COMMIT, `A:!`
 * after it.
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

/** The order of the writes as texts; `~A:B` stands for a document that gets a temporary value first. */
const ordered = (texts: string[]) =>
  inHandoverOrder(texts.map(handover)).map(({ item, isTemporary }) =>
    isTemporary ? `~${item}` : item,
  );

test.each<[string, string[], string[]]>([
  ['unrelated documents keep their order', ['A:A', 'B:C', ':D'], ['A:A', 'B:C', ':D']],
  ['a chain needs no temporary value', ['A:B', 'B:C', 'C:D'], ['C:D', 'B:C', 'A:B']],
  ['a chain in its order stays', ['C:D', 'B:C', 'A:B'], ['C:D', 'B:C', 'A:B']],
  ['a new document takes a value that is given up', [':A', 'A:B'], ['A:B', ':A']],
  ['a swap needs one temporary value', ['A:B', 'B:A'], ['~A:B', 'B:A', 'A:B']],
  [
    'a circle of three needs one temporary value',
    ['A:B', 'B:C', 'C:A'],
    ['~A:B', 'C:A', 'B:C', 'A:B'],
  ],
  ['a value of a document that is removed later', [':A', 'A:!'], ['~A:!', ':A']],
  ['a later removal that nobody waits for is no write', ['A:!', 'B:C'], ['B:C']],
  ['a removal now goes first', [':A', 'A:'], ['A:', ':A']],
  ['two swaps', ['A:B', 'C:D', 'B:A', 'D:C'], ['~A:B', 'B:A', 'A:B', '~C:D', 'D:C', 'C:D']],
  ['a chain that ends in a later removal', ['A:B', 'B:C', 'C:!'], ['~C:!', 'B:C', 'A:B']],
  ['a value that its holder keeps is not waited for', ['A:B', 'B:B'], ['A:B', 'B:B']],
])(
  'documents that hand over unique names are written in the right order: %s (F13)',
  (_what, given, expected) => {
    expect(ordered(given)).toEqual(expected);
  },
);

test('a long chain of rows that each take the next one’s unique name is written in the right order (F13)', () => {
  const chain = Array.from({ length: 20_000 }, (_one, index) => `${index}:${index + 1}`);
  expect(ordered(chain)).toEqual(chain.toReversed());
});

test('every permutation of six unique values is written so that no two rows ever have the same one (F13)', () => {
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

/** Counts the circles in which two or more documents pass their values on. */
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
