const LONGEST_KEY = 1000;
/** The longest file name that file systems accept, in bytes. */
const LONGEST_PART = 255;

/**
 * Returns the key if both a folder and S3 can store it.
 * @throws TypeError otherwise
 */
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
  // S3 lists keys as XML, which cannot contain control characters. Windows treats a backslash as a
  // slash.
  !/[\p{Cc}\\\ufffe\uffff]/u.test(part);
