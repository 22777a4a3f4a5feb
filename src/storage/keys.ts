const LONGEST_KEY = 1000;
/** What file systems take of a name. */
const LONGEST_PART = 255;

/** The key, when both a folder and S3 can hold it. */
export function checkedKey(key: string): string {
  const isFit =
    Buffer.byteLength(key) <= LONGEST_KEY && key.isWellFormed() && key.split('/').every(isFitPart);
  if (!isFit) throw new TypeError(`Not a key of an object: ${JSON.stringify(key.slice(0, 200))}`);
  return key;
}

const isFitPart = (part: string) =>
  part !== '' &&
  !part.startsWith('.') &&
  Buffer.byteLength(part) <= LONGEST_PART &&
  // XML, in which S3 lists keys, has no control characters; and a backslash is a slash on Windows.
  !/[\p{Cc}\\\ufffe\uffff]/u.test(part);
