/**
 * How many zones are cached. There are about 600 names, but browsers may send them in any upper and lower case: without
 * a limit, a visitor could fill the memory.
 */
const MOST = 500;

/**
 * Returns a function that calls `make` once for each time zone and caches the result, because making a date formatter
 * is slow.
 */
export function perZone<T>(make: (timeZone: string) => T): (timeZone: string) => T {
  const made = new Map<string, T>();
  return (timeZone) => {
    const known = made.get(timeZone);
    if (known !== undefined) return known;
    if (made.size >= MOST) made.clear();
    const one = make(timeZone);
    made.set(timeZone, one);
    return one;
  };
}
