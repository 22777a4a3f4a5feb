// Cuts text into records of cells. A record that is damaged costs exactly the line on which it begins.
import { excerptOf } from './excerpt.ts';
import { TextWindow } from './text-window.ts';

/** Characters of a record at most; a longer one is rejected. */
export const RECORD_LIMIT = 1_000_000;

export type Damage = 'unclosed' | 'after-quote' | 'too-long' | 'too-wide';

/** The lines of the file that belong together. */
export type LineRecord = {
  /** The line on which it begins, from 1. */
  line: number;
  /** How many lines it spans. */
  lines: number;
  /** Without the blanks around them; [] when it is damaged. */
  cells: string[];
  /** Its characters, roughly. */
  size: number;
  damage: Damage | null;
  hasNul: boolean;
  hasStrayQuote: boolean;
  excerpt: () => string;
};

/** Text arrives in pieces of any size; the records do not depend on where it was cut. */
export class Tokenizer {
  private readonly window: TextWindow;
  private text = '';
  /** Where the next record begins. */
  private at = 0;
  private line = 1;
  private isLast = false;
  /** The beginning of a line that is over the limit, while its end has not arrived. */
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

  /** The next line as it is, without regard to quotes; null until more text arrives. */
  nextLine(): LineRecord | null {
    const end = this.endOfLine();
    if (end === null) return null;
    const { text, at, overlong } = this;
    const shown = overlong ?? excerptOf(text.slice(at, end));
    return this.finish(end, 1, [], null, false, shown);
  }

  /** The next record; null until more text arrives, or at the end. */
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

  /** A record with a quoted cell that goes on beyond the end of its first line. */
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

  /** Where the line at hand ends; null until that has arrived. */
  private endOfLine(): number | null {
    const { text, at, isLast, window } = this;
    if (at >= text.length && !(isLast && this.overlong !== null)) return null;
    const end = window.lineEnd(at);
    if (end < text.length) return end;
    if (isLast) return text.length;
    this.shorten();
    return null;
  }

  /** Keeps no more than the beginning of a line over the limit. */
  private shorten() {
    const { text, at } = this;
    // A CR at the end may be half of a CRLF, and ends the line in any case.
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
