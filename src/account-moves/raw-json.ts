// JSON of the older system. Numbers that are not exact in JavaScript, such as ids above 2^53, become texts.

/** @throws SyntaxError when the text is not JSON */
export function parseRaw(text: string): unknown {
  // A reviver makes parsing several times slower, and most records have no such number.
  return /\d{16}/.test(text) ? JSON.parse(text, exact as Reviver) : JSON.parse(text);
}

type Reviver = Parameters<typeof JSON.parse>[1];

const exact = (_name: string, value: unknown, { source }: { source: string }): unknown =>
  typeof value === 'number' ? exactNumber(source) : value;

/** A number from its text, or the text where a number would lose digits. */
export function exactNumber(text: string): number | string {
  const number = Number(text);
  const isExact = Number.isInteger(number) ? Number.isSafeInteger(number) : String(number) === text;
  return isExact ? number : text;
}
