/** The first entries of a list, and how many more there are. */
export type Shortened<T> = { shown: T[]; more: number };

export const shorten = <T>(all: T[], most: number): Shortened<T> => ({
  shown: all.slice(0, most),
  more: Math.max(0, all.length - most),
});
