// The order in which documents pass on unique values: the one that gives up a value is written before the one that
// takes it. MongoDB on a single server has no transactions and checks each write, so in a circle one document first
// gets temporary values.

/** A document to write: the unique values that it has and those that it will have, as keys. */
export type Handover<T> = {
  item: T;
  has: string[];
  wants: string[];
  /** A document that is removed after COMMIT keeps its values until then. */
  isLater: boolean;
};

export type OrderedWrite<T> = { item: T; isTemporary: boolean };

/** Keeps the given order where no value is passed on. A circle or a later removal needs a temporary value. */
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
    // A loop instead of recursion, because a chain may be as long as a transfer.
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
