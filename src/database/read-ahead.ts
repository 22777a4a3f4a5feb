// Reads ahead: reads and prepares the next item while the caller works on the current item.

/**
 * Yields the items of a generator, and reads the next item while the caller works on the current
 * one.
 */
export async function* ahead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = items.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = items.next();
      // The next item may fail before it is awaited; without this handler Node would end the process.
      next.catch(() => {});
      yield value;
    }
  } finally {
    await items.return(undefined);
  }
}

/** Prepares the next item while the caller works on the current one. */
export const prefetch = <T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  prepare: (item: T) => Promise<R>,
): AsyncGenerator<R> => ahead(prepared(items, prepare));

async function* prepared<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  prepare: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  for await (const item of items) yield await prepare(item);
}
