// Sorts writes of documents that pass unique values on: the document that gives up a value is written before the
// document that takes it. A single MongoDB server has no transactions and checks uniqueness at each write. So if two
// documents swap their values, one of them gets a temporary value first.

/**
 * A document to write. `has`: its unique values now. `wants`: its unique values after the write. Each value is a key
 * that two documents share only if their values collide.
 */
export type Handover<T> = {
  item: T;
  has: string[];
  wants: string[];
  /**
   * Whether the document is removed only after the COMMIT, and keeps its unique values until then.
   */
  isLater: boolean;
};

export type OrderedWrite<T> = { item: T; isTemporary: boolean };

/**
 * Sorts writes so that each unique value is given up before another document takes it; otherwise
 * the given order stays. A document gets a temporary value first if it swaps values with another
 * document, or if it is removed only later.
 */
export function inHandoverOrder<T>(handovers: Handover<T>[]): OrderedWrite<T>[] {
  const givers = Map.groupBy(
    handovers.flatMap((one) =>
      one.has.filter((key) => !one.wants.includes(key)).map((key) => [key, one] as const),
    ),
    ([key]) => key,
  );
  const writes: OrderedWrite<T>[] = [];
  const freed = new Set<Handover<T>>();
  const write = (one: Handover<T>, isTemporary: boolean) => {
    freed.add(one);
    writes.push({ item: one.item, isTemporary });
  };
  const giverTo = ({ wants }: Handover<T>) =>
    wants.flatMap((key) => givers.get(key) ?? []).find(([, one]) => !freed.has(one))?.[1];
  for (const first of handovers) {
    // A loop instead of recursion: in a large transfer thousands of documents may wait for each other, and recursion
    // would overflow the stack.
    const path = freed.has(first) || first.isLater ? [] : [first];
    const waiting = new Set(path);
    for (let taker = path.at(-1); taker; taker = path.at(-1)) {
      const giver = giverTo(taker);
      if (!giver) write(path.pop() ?? taker, false);
      else if (giver.isLater || waiting.has(giver)) write(giver, true);
      else {
        path.push(giver);
        waiting.add(giver);
      }
    }
  }
  return writes;
}
