import type { Objects, StoredObject } from './objects.ts';

/**
 * Returns a store that consists of the objects below a prefix of another store. The prefix ends
 * with a slash. Closing the returned store does not close the other store.
 */
export function below(objects: Objects, prefix: string): Objects {
  const inside = (object: StoredObject): StoredObject => ({
    ...object,
    key: object.key.slice(prefix.length),
  });
  return {
    put: (key, ...rest) => objects.put(prefix + key, ...rest),
    putIfAbsent: (key, ...rest) => objects.putIfAbsent(prefix + key, ...rest),
    read: (key) => objects.read(prefix + key),
    find: async (key) => {
      const found = await objects.find(prefix + key);
      return found && inside(found);
    },
    async *list(start, { after } = {}) {
      const options = after === undefined ? {} : { after: prefix + after };
      for await (const object of objects.list(prefix + start, options)) yield inside(object);
    },
    delete: (key) => objects.delete(prefix + key),
    removeUnfinished: (startedBefore) => objects.removeUnfinished(startedBefore),
    close: () => {},
  };
}
