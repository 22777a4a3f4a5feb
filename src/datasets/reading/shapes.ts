// Decides what one cell looks like (its shape), such as an integer or a date. Numbers are checked character by
// character, because this code runs for every cell of a file.

/** Each shape is one bit, so that the shapes that a column type accepts are a sum of bits. */
export const shapes = {
  text: 1,
  integer: 2,
  /** "-0": as an integer, the cell would lose its sign. */
  negativeZero: 4,
  /** A decimal such as 12.5. */
  decimal: 8,
  /** 1.234: a decimal, or 1234 with a point as thousands separator. */
  pointGroup: 16,
  /** A decimal with more digits than a double holds exactly. */
  longDecimal: 32,
  /** A number with commas as thousands separators: 1,234.5 or 1,234,567. */
  commaGroups: 64,
  /** 1,234: 1234 with a comma as thousands separator, or a decimal comma. */
  commaGroup: 128,
  /** A number with a decimal comma, or with points as thousands separators: 1.234,5 or 1.234.567 or 0,5. */
  decimalComma: 256,
  exponent: 512,
  boolean: 1024,
  isoDate: 2048,
  dayFirst: 4096,
  monthFirst: 8192,
  dayOrMonthFirst: 16384,
  instant: 32768,
  localTime: 65536,
  nullWord: 131072,
} as const;

/** Returns the index under which an array of counts holds this shape: the number of the shape’s only bit. */
export const indexOfShape = (shape: number) => 31 - Math.clz32(shape);

const words = new Map<string, number>();
const meanings = { boolean: ['true', 'false'], nullWord: nullWords() };
for (const [shape, meant] of Object.entries(meanings)) {
  for (const word of meant) {
    const capital = word.slice(0, 1).toUpperCase() + word.slice(1);
    for (const written of [word, word.toUpperCase(), capital]) {
      words.set(written, shapes[shape as keyof typeof meanings]);
    }
  }
}
const isFirstOfWord = new Uint8Array(128);
for (const word of words.keys()) isFirstOfWord[word.charCodeAt(0)] = 1;

/** Words for “no value” in columns of numbers, booleans, dates and timestamps. */
function nullWords(): string[] {
  return ['n/a', 'na', '#n/a', 'null', 'none', 'nan', '-', '.', '\\n'];
}

const isDigit = (code: number) => code >= 48 && code <= 57;
const ZERO = 48;
const MINUS = 45;
const POINT = 46;
const COMMA = 44;
const SLASH = 47;
const COLON = 58;
const [E, e] = [69, 101];

export function shapeOf(cell: string): number {
  const first = cell.charCodeAt(0);
  if (isDigit(first)) return shapeOfDigits(cell, 0);
  if ((first === MINUS || first === POINT) && cell.length > 1) {
    const second = cell.charCodeAt(1);
    const hasDigit = isDigit(second) || (second === POINT && cell.length > 2);
    if (hasDigit) return shapeOfDigits(cell, first === MINUS ? 1 : 0);
  }
  if (cell.length > 5 || isFirstOfWord[first] !== 1) return shapes.text;
  return words.get(cell) ?? shapes.text;
}

/**
 * Returns the code of the format (such as integer or date) of a cell whose digits begin at the index `from`, after a
 * minus sign if there is one.
 */
function shapeOfDigits(cell: string, from: number): number {
  const { length } = cell;
  const isZero = cell.charCodeAt(from) === ZERO && from + 1 < length;
  // A leading zero before another digit: the cell is a code such as 007, or a date.
  const isCode = isZero && isDigit(cell.charCodeAt(from + 1));
  if (length > 90 || (isCode && length > 32)) return shapes.text;
  const whole = afterDigits(cell, from);
  if (whole === length) return isCode ? shapes.text : shapeOfInteger(cell, from);
  if (cell.charCodeAt(whole) === POINT && !isCode) {
    const fraction = afterDigits(cell, whole + 1);
    if (fraction === length && fraction > whole + 1) return shapeOfDecimal(cell, from, whole);
  }
  return shapeOfSigns(cell, from, whole);
}

function afterDigits(cell: string, from: number): number {
  const { length } = cell;
  let at = from;
  // The index stays below the length, because charCodeAt is slow beyond the end of a text.
  while (at < length && isDigit(cell.charCodeAt(at))) at += 1;
  return at;
}

const LARGEST = String(Number.MAX_SAFE_INTEGER);

function shapeOfInteger(cell: string, from: number): number {
  const digits = cell.length - from;
  if (from === 1 && cell === '-0') return shapes.negativeZero;
  if (digits < LARGEST.length) return shapes.integer;
  const fits = digits === LARGEST.length && cell.slice(from) <= LARGEST;
  return fits ? shapes.integer : shapes.text;
}

/**
 * Returns the shape of a cell that is a number with a decimal point. MySQL stores at most 65 digits, 30 of them after
 * the point; a double is exact for 15 digits.
 */
function shapeOfDecimal(cell: string, from: number, point: number): number {
  const fraction = cell.length - point - 1;
  const digits = point - from + fraction;
  if (digits > 65 || fraction > 30) return shapes.text;
  if (digits > 15) return shapes.longDecimal;
  const isGroup = fraction === 3 && point - from >= 1 && point - from <= 3;
  return isGroup && cell.charCodeAt(from) !== ZERO ? shapes.pointGroup : shapes.decimal;
}

const commaGroup = /^-?[1-9]\d{0,2},\d{3}$/;
const commaGroups = /^-?[1-9]\d{0,2}(,\d{3})+(\.\d{1,30})?$/;
const decimalComma = /^-?([1-9]\d{0,2}(\.\d{3})+|0|[1-9]\d*),\d{1,30}$/;
const pointGroups = /^-?[1-9]\d{0,2}(\.\d{3}){2,}$/;
/**
 * Matches numbers with an exponent. A cell without a point or a negative exponent does not match,
 * because it may be a code such as 1E5.
 */
const exponent = /^-?(0|[1-9]\d*)((\.\d+)[eE][+-]?\d+|[eE]-\d+)$|^-?\.\d+[eE][+-]?\d+$/;
const slashDate = /^(\d{1,2})([/.-])(\d{1,2})\2(\d{4})$/;

/**
 * Returns the shape of a cell that begins with digits; the first character after these digits, such as a comma or a
 * slash, decides which shapes are possible.
 */
function shapeOfSigns(cell: string, from: number, whole: number): number {
  const sign = cell.charCodeAt(whole);
  if (sign === MINUS && whole === 4 && from === 0) return shapeOfIso(cell);
  if (sign === COMMA || sign === POINT) {
    if (commaGroup.test(cell)) return shapes.commaGroup;
    if (commaGroups.test(cell)) return shapes.commaGroups;
    if (decimalComma.test(cell) || pointGroups.test(cell)) return shapes.decimalComma;
  }
  const isDateLike = sign === SLASH || sign === POINT || sign === MINUS;
  if (isDateLike && whole <= 2 && cell.length >= 8 && cell.length <= 10) {
    const date = slashDate.exec(cell);
    if (date) return shapeOfDate(date);
  }
  const isReal = (sign === POINT || sign === E || sign === e) && exponent.test(cell);
  return isReal && isExact(cell) ? shapes.exponent : shapes.text;
}

function isExact(cell: string): boolean {
  const value = Number(cell);
  return Number.isFinite(value) && (value !== 0 || /^-?[0.]+[eE]/.test(cell));
}

function shapeOfDate([, one, , other, year]: RegExpExecArray): number {
  const [first, second] = [Number(one), Number(other)];
  const isDayFirst = isDate(Number(year), second, first);
  const isMonthFirst = isDate(Number(year), first, second);
  if (isDayFirst && isMonthFirst) return shapes.dayOrMonthFirst;
  if (isDayFirst) return shapes.dayFirst;
  return isMonthFirst ? shapes.monthFirst : shapes.text;
}

/** Returns the shape of an ISO date such as 2024-03-31, with or without a time after it. */
function shapeOfIso(cell: string): number {
  if (cell.length < 10) return shapes.text;
  const year = twoDigits(cell, 0) * 100 + twoDigits(cell, 2);
  const isDay =
    cell.charCodeAt(7) === MINUS && isDate(year, twoDigits(cell, 5), twoDigits(cell, 8));
  if (!isDay) return shapes.text;
  if (cell.length === 10) return shapes.isoDate;
  if (cell[10] !== 'T' && cell[10] !== ' ') return shapes.text;
  const zone = afterTime(cell);
  if (zone === cell.length) return shapes.localTime;
  // Years 1 and 9999 are excluded, because conversion to UTC could move the time to the year 0 or
  // 10000.
  return isZone(cell, zone) && year > 1 && year < 9999 ? shapes.instant : shapes.text;
}

/**
 * Returns the index after hours, minutes and optional seconds, where the time zone begins; -1 if
 * the text is not an ISO time.
 */
function afterTime(cell: string): number {
  if (
    cell.length < 16 ||
    !isBelow(cell, 11, 24) ||
    cell.charCodeAt(13) !== COLON ||
    !isBelow(cell, 14, 60)
  )
    return -1;
  if (cell.length === 16 || cell.charCodeAt(16) !== COLON) return 16;
  if (cell.length < 19 || !isBelow(cell, 17, 60)) return -1;
  if (cell.length === 19 || cell.charCodeAt(19) !== POINT) return 19;
  const end = afterDigits(cell, 20);
  return end > 20 && end <= 26 ? end : -1;
}

/** Whether the rest of the cell is a time zone: Z, +01, +0100 or +01:00. */
function isZone(cell: string, at: number): boolean {
  if (at === -1) return false;
  if (cell[at] === 'Z') return at + 1 === cell.length;
  if ((cell[at] !== '+' && cell[at] !== '-') || !isBelow(cell, at + 1, 15)) return false;
  if (at + 3 === cell.length) return true;
  const minutes = cell.charCodeAt(at + 3) === COLON ? at + 4 : at + 3;
  return isBelow(cell, minutes, 60) && minutes + 2 === cell.length;
}

function isBelow(cell: string, at: number, limit: number): boolean {
  if (at + 1 >= cell.length) return false;
  const value = twoDigits(cell, at);
  return value >= 0 && value < limit;
}

function twoDigits(cell: string, at: number): number {
  const tens = cell.charCodeAt(at);
  const ones = cell.charCodeAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - 48) * 10 + ones - 48 : -1;
}

const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDate(year: number, month: number, day: number): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (lengths[month - 1] ?? 0) || (month === 2 && isLeap && day === 29);
}
