// What one cell could be. Every cell of a file comes by here, so numbers are read character by character.

/** Each shape of a cell, as a bit, so that a type is a sum of shapes. */
export const shapes = {
  text: 1,
  integer: 2,
  /** "-0": an integer would lose the sign. */
  negativeZero: 4,
  /** 12.5 */
  decimal: 8,
  /** 1.234: a decimal, or 1234 with a point between the thousands. */
  pointGroup: 16,
  /** More digits than a double holds. */
  longDecimal: 32,
  /** 1,234.5 or 1,234,567 */
  commaGroups: 64,
  /** 1,234: thousands, or a decimal comma. */
  commaGroup: 128,
  /** 1.234,5 or 1.234.567 or 0,5 */
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

const words = new Map<string, number>([
  ['true', shapes.boolean],
  ['false', shapes.boolean],
]);
for (const word of ['n/a', 'na', '#n/a', 'null', 'none', 'nan', '-', '.', '\\n']) {
  words.set(word, shapes.nullWord);
}

const isDigit = (code: number) => code >= 48 && code <= 57;
const ZERO = 48;
const MINUS = 45;
const POINT = 46;

export function shapeOf(cell: string): number {
  const first = cell.charCodeAt(0);
  if (isDigit(first)) return shapeOfDigits(cell, 0);
  const second = cell.charCodeAt(1);
  if (first === MINUS && (isDigit(second) || second === POINT)) return shapeOfDigits(cell, 1);
  if (first === POINT && isDigit(second)) return shapeOfDigits(cell, 0);
  if (cell.length <= 5) return words.get(cell.toLowerCase()) ?? shapes.text;
  return shapes.text;
}

/** The shape of a cell whose digits begin at `from`, behind the sign. */
function shapeOfDigits(cell: string, from: number): number {
  const { length } = cell;
  const whole = afterDigits(cell, from);
  const isCode = whole - from > 1 && cell.charCodeAt(from) === ZERO;
  if (whole === length) return isCode ? shapes.text : shapeOfInteger(cell, from);
  if (cell.charCodeAt(whole) === POINT && !isCode) {
    const fraction = afterDigits(cell, whole + 1);
    if (fraction === length && fraction > whole + 1) return shapeOfDecimal(cell, from, whole);
  }
  return length > 40 ? shapes.text : shapeOfSigns(cell);
}

function afterDigits(cell: string, from: number): number {
  let at = from;
  while (isDigit(cell.charCodeAt(at))) at += 1;
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

/** A decimal column of MySQL holds 65 digits, 30 of them behind the point; a double is exact for 15. */
function shapeOfDecimal(cell: string, from: number, point: number): number {
  const fraction = cell.length - point - 1;
  const digits = point - from + fraction;
  if (digits > 65 || fraction > 30) return shapes.text;
  if (digits > 15) return shapes.longDecimal;
  const isGroup = fraction === 3 && point - from >= 1 && point - from <= 3;
  return isGroup && cell.charCodeAt(from) !== ZERO ? shapes.pointGroup : shapes.decimal;
}

const patterns: [RegExp, number][] = [
  [/^-?[1-9]\d{0,2},\d{3}$/, shapes.commaGroup],
  [/^-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/, shapes.commaGroups],
  [/^-?([1-9]\d{0,2}(\.\d{3})+|0|[1-9]\d*),\d+$/, shapes.decimalComma],
  [/^-?[1-9]\d{0,2}(\.\d{3}){2,}$/, shapes.decimalComma],
];
/** Without a point or a negative exponent it is a code, such as 1E5. */
const exponent = /^-?(0|[1-9]\d*)((\.\d+)[eE][+-]?\d+|[eE]-\d+)$|^-?\.\d+[eE][+-]?\d+$/;
const slashDate = /^(\d{1,2})([/.-])(\d{1,2})\2(\d{4})$/;
const isoDate = /^(\d{4})-(\d\d)-(\d\d)$/;
export const isoTime =
  /^(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(\.\d{1,6})?)?(Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?$/;

function shapeOfSigns(cell: string): number {
  for (const [pattern, shape] of patterns) if (pattern.test(cell)) return shape;
  if (exponent.test(cell)) return isExact(cell) ? shapes.exponent : shapes.text;
  const iso = isoDate.exec(cell);
  if (iso) return isDate(iso[1], iso[2], iso[3]) ? shapes.isoDate : shapes.text;
  const slash = slashDate.exec(cell);
  if (slash) return shapeOfDate(slash);
  const time = isoTime.exec(cell);
  return time ? shapeOfTime(time) : shapes.text;
}

function isExact(cell: string): boolean {
  const value = Number(cell);
  return Number.isFinite(value) && (value !== 0 || /^-?[0.]+[eE]/.test(cell));
}

function shapeOfDate([, one, , other, year]: RegExpExecArray): number {
  const isDayFirst = isDate(year, other, one);
  const isMonthFirst = isDate(year, one, other);
  if (isDayFirst && isMonthFirst) return shapes.dayOrMonthFirst;
  if (isDayFirst) return shapes.dayFirst;
  return isMonthFirst ? shapes.monthFirst : shapes.text;
}

function shapeOfTime([, date = '', , , , , offset]: RegExpExecArray): number {
  const [year, month, day] = date.split('-');
  if (!isDate(year, month, day)) return shapes.text;
  if (offset === undefined) return shapes.localTime;
  // In UTC it could be in the year 0 or 10000.
  return year === '0001' || year === '9999' ? shapes.text : shapes.instant;
}

function isDate(year: string | undefined, month: string | undefined, day: string | undefined) {
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  if (y < 1 || m < 1 || m > 12 || d < 1) return false;
  return d <= 28 || d <= new Date(Date.UTC(y + 400, m, 0)).getUTCDate();
}
