// Parses JSON from the older system, from which accounts are migrated. Numbers that JavaScript cannot represent
// exactly, such as ids above 2^53, become strings.

/** @throws SyntaxError when the text is not JSON */
export function parseRaw(text: string): unknown {
  // A reviver makes parsing several times slower, so it is used only if there may be such a number.
  return /\d{16}/.test(text) ? JSON.parse(text, exact as Reviver) : JSON.parse(text);
}

type Reviver = Parameters<typeof JSON.parse>[1];

const exact = (_name: string, value: unknown, { source }: { source: string }): unknown =>
  typeof value === 'number' ? exactNumber(source) : value;

/**
 * Converts the text of a number to a number; returns the text itself if a number would lose digits.
 */
export function exactNumber(text: string): number | string {
  const number = Number(text);
  const isExact = Number.isInteger(number) ? Number.isSafeInteger(number) : String(number) === text;
  return isExact ? number : text;
}
