// Splits text into records and cells. A damaged record rejects only the line on which it begins; the next line is
// parsed as usual.
import { excerptOf } from './excerpt.ts';
import { TextWindow } from './text-window.ts';

/** The most characters of a record; a longer record is rejected. */
export const RECORD_LIMIT = 1_000_000;

export type Damage = 'unclosed' | 'after-quote' | 'too-long' | 'too-wide';

/** A record: one line of the file, or several lines that a quoted cell joins. */
export type LineRecord = {
  /** The line on which the record begins, counted from 1. */
  line: number;
  /** How many lines the record spans. */
  lines: number;
  /** The cells without surrounding blanks; an empty array if the record is damaged. */
  cells: string[];
  /** The approximate number of characters of the record. */
  size: number;
  damage: Damage | null;
  hasNul: boolean;
  hasStrayQuote: boolean;
  excerpt: () => string;
};

/** Takes text in chunks of any size. The records do not depend on where the chunks are cut. */
export class Tokenizer {
  private readonly window: TextWindow;
  private text = '';
  /** The index in the text at which the next record begins. */
  private at = 0;
  private line = 1;
  private isLast = false;
  /** An excerpt of a line that exceeds the limit; set until the end of that line arrives. */
  private overlong: string | null = null;

  private readonly limit: number;

  constructor(delimiter: string, limit = RECORD_LIMIT) {
    this.window = new TextWindow(delimiter);
    this.limit = limit;
  }

  push(piece: string, isLast: boolean) {
    this.text = this.at < this.text.length ? this.text.slice(this.at) + piece : piece;
    this.window.move(this.text, this.at, isLast);
    this.at = 0;
    this.isLast = isLast;
  }

  /** Returns the next line and ignores quotes. Returns null until the whole line has arrived. */
  nextLine(): LineRecord | null {
    const end = this.endOfLine();
    if (end === null) return null;
    const { text, at, overlong } = this;
    const shown = overlong ?? excerptOf(text.slice(at, end));
    return this.finish(end, 1, [], null, false, shown);
  }

  /**
   * Returns the next record. Returns null until the whole record has arrived, or at the end of the
   * text.
   */
  next(): LineRecord | null {
    const end = this.endOfLine();
    if (end === null) return null;
    if (this.overlong !== null || end - this.at > this.limit) return this.damaged(end, 'too-long');
    const { window, at } = this;
    if (window.quote(at) > end) {
      const cells = window.split(at, end);
      if (cells === 'too-wide') return this.damaged(end, cells);
      return this.finish(end, 1, cells, null, false);
    }
    const cut = window.cut(at, end);
    if (typeof cut === 'string') return this.damaged(end, cut);
    if (!cut.isOpen) return this.finish(end, 1, cut.cells, null, cut.hasStrayQuote);
    return this.spanning(end);
  }

  /** Returns a record whose quoted cell goes on after the end of its first line. */
  private spanning(firstEnd: number): LineRecord | null {
    this.window.rewind();
    const found = this.window.closing(firstEnd);
    const reached = found.at - this.at;
    if (reached > this.limit) return this.damaged(firstEnd, 'too-long');
    if (found.is === 'wrong') return this.damaged(firstEnd, 'after-quote');
    if (found.is === 'open') return this.isLast ? this.damaged(firstEnd, 'unclosed') : null;
    const cut = this.window.cut(this.at, found.at);
    if (typeof cut === 'string') return this.damaged(firstEnd, cut);
    const lines = this.window.linesIn(this.at, found.at) + 1;
    return this.finish(found.at, lines, cut.cells, null, cut.hasStrayQuote);
  }

  /** Returns the index at which the current line ends; null until the line end has arrived. */
  private endOfLine(): number | null {
    const { text, at, isLast, window } = this;
    if (at >= text.length && !(isLast && this.overlong !== null)) return null;
    const end = window.lineEnd(at);
    if (end < text.length) return end;
    if (isLast) return text.length;
    this.shorten();
    return null;
  }

  /**
   * Discards all but an excerpt of a line that exceeds the limit, so that a very long line does not
   * fill the memory.
   */
  private shorten() {
    const { text, at } = this;
    // A CR at the end of the text is kept: it ends the line, alone or as half of a CRLF.
    const end = text.endsWith('\r') ? text.length - 1 : text.length;
    if (this.overlong === null && end - at <= this.limit) return;
    this.overlong ??= excerptOf(text.slice(at));
    this.at = end;
  }

  private damaged(end: number, damage: Damage): LineRecord {
    return this.finish(end, 1, [], damage, false, this.overlong ?? undefined);
  }

  private finish(
    end: number,
    lines: number,
    cells: string[],
    damage: Damage | null,
    hasStrayQuote: boolean,
    shown?: string,
  ): LineRecord {
    const { text, at, line } = this;
    const hasNul = this.window.nul(at) < end;
    this.at = this.window.afterLineEnd(end);
    this.line += lines;
    this.overlong = null;
    const excerpt = () => shown ?? excerptOf(text.slice(at, end));
    return { line, lines, cells, size: end - at, damage, hasNul, hasStrayQuote, excerpt };
  }
}
