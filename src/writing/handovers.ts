// The order in which documents hand on their unique values: whoever gives one up is written before whoever
// takes it. MongoDB on one server has no transactions and checks each write, so in a circle one document
// first gets temporary values.

/** A document that is written: the unique values that it has and those that it will have, as keys. */
export type Handover<T> = {
  item: T;
  has: string[];
  wants: string[];
  /** It keeps its values until it is removed after COMMIT. */
  isLater: boolean;
};

export type OrderedWrite<T> = { item: T; isTemporary: boolean };

/** Keeps the given order where nothing is handed on. A circle or a later removal needs a temporary value. */
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
    // A path instead of a recursion: a chain may be as long as a transfer.
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
