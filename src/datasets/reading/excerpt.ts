const SHOWN = 200;

/**
 * Copies the first characters of a text. A copy is needed because a slice would keep the whole
 * chunk of the file in memory. Half a surrogate pair at the end becomes a replacement character.
 */
export const excerptOf = (text: string, length = SHOWN) =>
  Buffer.from(text.slice(0, length).toWellFormed(), 'utf16le').toString('utf16le');
