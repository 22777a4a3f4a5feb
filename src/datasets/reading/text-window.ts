// Finds line ends, quotes and delimiters in the part of a file that the tokenizer is cutting into records.

/**
 * Finds the next position of one character. The position is cached, so that repeated calls do not search the text
 * again.
 */
class Next {
  private found = -1;
  private from = 0;
  private readonly character: string;

  constructor(character: string) {
    this.character = character;
  }

  find(text: string, at: number): number {
    if (this.found < at) {
      const found = text.indexOf(this.character, Math.max(at, this.from));
      this.found = found === -1 ? Infinity : found;
    }
    return this.found;
  }

  /** Clears the cached position, so that an earlier position can be searched. */
  rewind() {
    this.found = -1;
    this.from = 0;
  }

  /**
   * Keeps the cached position correct after the text was replaced by one that begins `shift` characters later in the
   * file. In the new text, the characters before `known` have been searched already.
   */
  move(shift: number, known: number) {
    this.from = this.found === Infinity ? known : Math.max(0, this.from - shift);
    this.found = this.found === Infinity ? -1 : Math.max(-1, this.found - shift);
  }
}

/**
 * How a quoted cell that spans lines ends: `closed`: the record ends at `at`; `wrong`: text follows
 * the closing quote at `at`; `open`: the end of the cell has not arrived.
 */
type Closing = { is: 'closed' | 'wrong' | 'open'; at: number };

export type Cut = { cells: string[]; isOpen: boolean; hasStrayQuote: boolean };

/** The most cells of a record: as many as a spreadsheet has columns. */
export const CELL_LIMIT = 16_384;

export class TextWindow {
  private text = '';
  private isLast = false;
  private readonly delimiter: string;
  private readonly lf = new Next('\n');
  private readonly cr = new Next('\r');
  private readonly quotes = new Next('"');
  private readonly nuls = new Next('\0');
  private readonly delimiters: Next;
  /**
   * The cached result of the last search for the end of a quoted cell. The result is the same for every line end
   * between `from` and `found.at`, because all these line ends are inside that cell.
   */
  private search: { from: number; found: Closing } = { from: -1, found: { is: 'open', at: -1 } };

  constructor(delimiter: string) {
    this.delimiter = delimiter;
    this.delimiters = new Next(delimiter);
  }

  /** Replaces the searched text by the next part of the file, which begins `shift` characters later. */
  move(text: string, shift: number, isLast: boolean) {
    const searched = Math.max(0, this.text.length - shift);
    for (const next of [this.lf, this.cr, this.quotes, this.nuls, this.delimiters]) {
      next.move(shift, searched);
    }
    this.search.from -= shift;
    this.search.found.at -= shift;
    this.text = text;
    this.isLast = isLast;
  }

  quote = (at: number) => this.quotes.find(this.text, at);
  nul = (at: number) => this.nuls.find(this.text, at);

  /**
   * Returns the index of the next line end; the length of the text if the line end has not arrived.
   */
  lineEnd(at: number): number {
    return this.settled(Math.min(this.lf.find(this.text, at), this.cr.find(this.text, at)));
  }

  /**
   * Treats a CR at the end of the text as not arrived, because an LF may follow and make it a CRLF.
   */
  private settled(end: number): number {
    const { text, isLast } = this;
    if (end >= text.length) return text.length;
    return end === text.length - 1 && !isLast && text[end] === '\r' ? text.length : end;
  }

  afterLineEnd(end: number): number {
    const { text } = this;
    if (end >= text.length) return text.length;
    return text[end] === '\r' && text[end + 1] === '\n' ? end + 2 : end + 1;
  }

  linesIn(at: number, end: number): number {
    let lines = 0;
    for (let next = this.localLineEnd(at); next < end; next = this.localLineEnd(next)) {
      next = this.afterLineEnd(next);
      lines += 1;
    }
    return lines;
  }

  /** Splits a line without quotes into cells. */
  split(at: number, end: number): string[] | 'too-wide' {
    const { text, delimiters } = this;
    const cells: string[] = [];
    let from = at;
    let to = delimiters.find(text, from);
    while (to < end) {
      if (cells.length === CELL_LIMIT) return 'too-wide';
      cells.push(trimmed(text, from, to));
      from = to + 1;
      to = delimiters.find(text, from);
    }
    cells.push(trimmed(text, from, end));
    return cells;
  }

  /**
   * Clears cached positions, so that a record can be split again from its beginning. Needed when a
   * record turns out to span several lines.
   */
  rewind() {
    this.delimiters.rewind();
    this.quotes.rewind();
  }

  /**
   * Splits a line with quotes into cells. `isOpen`: whether a quoted cell goes on beyond the line.
   */
  cut(at: number, end: number): Cut | 'after-quote' | 'too-wide' {
    const { text, delimiters } = this;
    const cells: string[] = [];
    let hasStrayQuote = false;
    let from = at;
    for (;;) {
      if (cells.length === CELL_LIMIT) return 'too-wide';
      const first = this.afterBlanks(from, end);
      let to: number;
      if (first < end && text.charCodeAt(first) === QUOTE) {
        const close = this.closingQuote(first + 1);
        if (close >= end) return { cells, isOpen: true, hasStrayQuote };
        to = this.afterBlanks(close + 1, end);
        if (to < end && text[to] !== this.delimiter) return 'after-quote';
        cells.push(unquoted(text.slice(first + 1, close)));
      } else {
        to = Math.min(delimiters.find(text, first), end);
        if (this.quotes.find(text, first) < to) hasStrayQuote = true;
        cells.push(trimmed(text, first, to));
      }
      if (to >= end) return { cells, isOpen: false, hasStrayQuote };
      from = to + 1;
    }
  }

  /** Finds the end of a record whose quoted cell goes on after the line end `from`. */
  closing(from: number): Closing {
    const { search } = this;
    const isKnown = search.from !== -1 && search.from <= from && from < search.found.at;
    if (isKnown && search.found.is !== 'open') return search.found;
    // The search continues where the last one stopped. Otherwise a file in which each line opens a
    // quote would be searched again for every line, in quadratic time.
    const found = this.searchClosing(isKnown ? search.found.at : from);
    this.search = { from: isKnown ? search.from : from, found };
    return { ...found };
  }

  private searchClosing(from: number): Closing {
    const { text, isLast } = this;
    const end = text.length;
    let at = from;
    for (;;) {
      const close = this.closingQuote(at);
      if (close >= end) return { is: 'open', at: end };
      const unsettled: Closing = { is: 'open', at: isLast ? end : close };
      let next = this.afterBlanks(close + 1, end);
      for (;;) {
        if (next >= end) return isLast ? { is: 'closed', at: end } : unsettled;
        if (isLineEnd(text.charCodeAt(next))) {
          return this.settled(next) < end ? { is: 'closed', at: next } : unsettled;
        }
        if (text[next] !== this.delimiter) return { is: 'wrong', at: close };
        const cell = this.afterBlanks(next + 1, end);
        if (cell < end && text.charCodeAt(cell) === QUOTE) {
          at = cell + 1;
          break;
        }
        next = this.unquotedEnd(cell);
      }
    }
  }

  /**
   * Returns the index of the quote that closes a cell, and skips doubled quotes. A quote at the
   * very end of the text counts as closing, although another quote may follow in the next chunk.
   */
  private closingQuote(from: number): number {
    const { text } = this;
    let at = from;
    for (;;) {
      const quote = text.indexOf('"', at);
      if (quote === -1) return Infinity;
      if (quote + 1 === text.length || text.charCodeAt(quote + 1) !== QUOTE) return quote;
      at = quote + 2;
    }
  }

  private unquotedEnd(at: number): number {
    const { text } = this;
    let end = at;
    while (end < text.length && text[end] !== this.delimiter && !isLineEnd(text.charCodeAt(end))) {
      end += 1;
    }
    return end;
  }

  private afterBlanks(from: number, end: number): number {
    const { text } = this;
    let at = from;
    while (at < end && isBlank(text, at) && text[at] !== this.delimiter) at += 1;
    return at;
  }

  private localLineEnd(at: number): number {
    const { text } = this;
    let end = at;
    while (end < text.length && !isLineEnd(text.charCodeAt(end))) end += 1;
    return end;
  }
}

const QUOTE = 34;
const isLineEnd = (code: number) => code === 10 || code === 13;
const unquoted = (text: string) => (text.includes('"') ? text.replaceAll('""', '"') : text);

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code === 32) return true;
  if (code > 32 && code < 160) return false;
  return !isLineEnd(code) && text[at]?.trim() === '';
}

function trimmed(text: string, from: number, to: number): string {
  if (from === to) return '';
  const first = text.charCodeAt(from);
  const last = text.charCodeAt(to - 1);
  const isTight = first > 32 && first < 160 && last > 32 && last < 160;
  return isTight ? text.slice(from, to) : text.slice(from, to).trim();
}
