const SHOWN = 200;

/**
 * The first characters of a text, copied: a slice would keep the piece of the file in memory that it is cut from.
 * Half a character at the end becomes a replacement character.
 */
export const excerptOf = (text: string, length = SHOWN) =>
  Buffer.from(text.slice(0, length).toWellFormed(), 'utf16le').toString('utf16le');
