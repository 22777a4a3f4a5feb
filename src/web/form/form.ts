// A posted form: a flat list of field names and texts, as a browser sends it. Names such as `links[0][name]` are not
// parsed into nested objects or arrays, because a hostile index would create a huge array. Only methods such as `lines`
// interpret the names.
import { Invalid } from '../../problems.ts';
import { isVisible } from '../../typed-text.ts';

export type Entry = readonly [name: string, text: string];

/** An uploaded file. `content` is null if the file was too large to keep. */
export type PostedFile = { field: string; content: Buffer | null };

/**
 * Indexes in a posted list must be below this number, because no form of Oneway has a longer list.
 */
const MOST = 20_000;

export class Form {
  readonly entries: readonly Entry[];
  readonly files: readonly PostedFile[];
  readonly #texts = new Map<string, string[]>();

  constructor(entries: readonly Entry[] = [], files: readonly PostedFile[] = []) {
    this.entries = entries;
    this.files = files;
    for (const [name, text] of entries) {
      const known = this.#texts.get(name);
      if (known) known.push(text);
      else this.#texts.set(name, [text]);
    }
  }

  /**
   * Returns one posted text, trimmed. Returns an empty text if the field is missing, was posted
   * twice, or has no visible character.
   */
  text(name: string): string {
    const texts = this.#texts.get(name);
    // Removes NUL characters, because people never type them and databases treat them differently.
    const text = texts?.length === 1 ? (texts[0] ?? '').replaceAll('\0', '').trim() : '';
    return isVisible(text) ? text : '';
  }

  /**
   * Returns one posted text for a database column, in Unicode NFC.
   * @throws Invalid if the text has more than `most` characters
   */
  textUpTo(most: number, name: string, label: string): string {
    const text = this.text(name).normalize('NFC');
    if (text.length > most) {
      throw new Invalid({ [name]: `${label} must be ${most} characters or fewer.` });
    }
    return text;
  }

  /** Returns the first posted text with this name, unchanged. */
  raw(name: string): string | undefined {
    return this.#texts.get(name)?.[0];
  }

  isRepeated(name: string): boolean {
    return (this.#texts.get(name)?.length ?? 0) > 1;
  }

  /** Returns the fields and files whose names begin with `prefix` as a form, without the prefix. */
  within(prefix: string): Form {
    const entries = this.entries.flatMap(([name, text]): Entry[] =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), text]] : [],
    );
    const files = this.files.flatMap(({ field, content }) =>
      field.startsWith(prefix) ? [{ field: field.slice(prefix.length), content }] : [],
    );
    return new Form(entries, files);
  }

  /**
   * Returns all texts of a field exactly as posted: `rows=a&rows=b`, or `rows[0]=a&rows[1]=b` as
   * client programs send it.
   * @throws Invalid if an index is higher than in any form of Oneway
   */
  texts(name: string): string[] {
    const plain = this.#texts.get(name) ?? [];
    const indexed = this.under(name).flatMap(({ path, text }) => {
      if (path.length !== 1 || !/^\d*$/.test(path[0] ?? '')) return [];
      if (Number(path[0]) >= MOST) throw tooMany(name);
      return [text];
    });
    return indexed.length > 0 ? [...plain, ...indexed] : [...plain];
  }

  /**
   * Returns the posted texts of these fields by name, to be validated by a schema. Missing fields
   * are left out.
   */
  pick<T extends string>(...names: T[]): Partial<Record<T, string>> {
    const found: Partial<Record<T, string>> = {};
    for (const name of names) {
      const text = this.raw(name);
      if (text !== undefined) found[name] = text;
    }
    return found;
  }

  /** Returns the posted fields below `name`. The field `name[a][b]=text` gets the path `a`, `b`. */
  under(name: string): { path: string[]; text: string }[] {
    const start = `${name}[`;
    return this.entries.flatMap(([own, text]) =>
      own.startsWith(start) && own.endsWith(']')
        ? [{ path: own.slice(start.length, -1).split(']['), text }]
        : [],
    );
  }

  /**
   * Reads a posted list, with fields such as `links[0][name]=Pune`. Returns one object for each
   * line, in the order of the indexes. Each object has the given parts (here `name`); a part that
   * was not posted is empty.
   * @throws Invalid for a part that the list does not have, and for more lines than `most`
   */
  lines<T extends string>(name: string, parts: readonly T[], most: number): Record<T, string>[] {
    const posted = this.under(name);
    if (posted.some(({ path }) => lineIndex(path, parts) === null)) {
      throw new Invalid({ [name]: 'This list has a line that the form does not show.' });
    }
    // Ignores empty lines beyond the limit, because browsers also post the lines that a user left
    // empty.
    const isBeyond = posted.some(({ path, text }) => Number(path[0]) >= 2 * most && isFilled(text));
    const filled = this.typedLines(name, parts).filter((line) =>
      Object.values<string>(line).some(isFilled),
    );
    if (isBeyond || filled.length > most) {
      const bound = most.toLocaleString('en');
      throw new Invalid({ [name]: `This list can have ${bound} lines at most.` });
    }
    return filled;
  }

  /**
   * Returns all posted lines of a list without any check, so that the form can show the typed
   * values again.
   */
  typedLines<T extends string>(name: string, parts: readonly T[]): Record<T, string>[] {
    const lines = new Map<number, Map<string, string>>();
    for (const { path, text } of this.under(name)) {
      const index = lineIndex(path, parts);
      if (index === null) continue;
      lines.set(index, (lines.get(index) ?? new Map<string, string>()).set(path[1] ?? '', text));
    }
    return [...lines]
      .toSorted(([one], [other]) => one - other)
      .map(([, line]) => lineOf(parts, line));
  }
}

const isFilled = (text: string) => text.trim() !== '';

/**
 * Returns the index of a line in a posted list; null if the field name does not belong to a line
 * with these parts.
 */
function lineIndex([index = '', part = '', ...more]: string[], parts: readonly string[]) {
  return more.length === 0 && /^\d+$/.test(index) && parts.includes(part) ? Number(index) : null;
}

function lineOf<T extends string>(parts: readonly T[], line: Map<string, string>) {
  return Object.fromEntries(parts.map((part) => [part, line.get(part) ?? ''])) as Record<T, string>;
}

const tooMany = (name: string) =>
  new Invalid({ [name]: `This list can have ${MOST.toLocaleString('en')} entries at most.` });
