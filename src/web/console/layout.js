// How printed values are laid out: quoting, and what fits on one line.
const SPECIAL = new Map([
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\f", "\\f"],
  ["\r", "\\r"],
  ["\\", "\\\\"],
]);

function escapeOne(character) {
  const known = SPECIAL.get(character);
  if (known !== undefined) return known;
  const code = character.charCodeAt(0);
  const hex = code.toString(16).toUpperCase();
  return code < 256 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex}`;
}

/** `text` as a string literal in the quotes that need the least escaping. */
export function quote(text) {
  let mark = "'";
  if (text.includes("'")) {
    if (!text.includes('"')) mark = '"';
    else if (!text.includes("`") && !text.includes("${")) mark = "`";
  }
  const escaped = text.replace(/[\x00-\x1f\x7f-\x9f\\]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, escapeOne);
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

const PLAIN_KEY = /^[a-zA-Z_][a-zA-Z_0-9]*$/;

/** A property key as it is printed before a colon. */
export function showKey(key, enumerable) {
  if (!enumerable) return `[${String(key)}]`;
  if (typeof key === "symbol") return showSymbol(key);
  return PLAIN_KEY.test(key) ? key : quote(key);
}

export function showSymbol(symbol) {
  return Symbol.prototype.toString.call(symbol);
}

// Entries of an array this short or shorter are never put in columns.
const COLUMNS_FROM = 6;
const COLUMNS_MAX = 12;

/** Puts the short items of a long array into columns; `items` come back unchanged if that does not help. */
export function columns(items, width, alignRight, hasRest) {
  const count = hasRest ? items.length - 1 : items.length;
  if (count <= COLUMNS_FROM) return items;
  let longest = 0;
  let total = 0;
  for (let i = 0; i < count; i++) {
    if (items[i].includes("\n")) return items;
    longest = Math.max(longest, items[i].length);
    total += items[i].length + 2;
  }
  const cell = longest + 2;
  if (cell * 3 >= width || (total / cell <= 5 && longest > 6)) return items;
  // About as wide as high, given that characters are two and a half times as high as wide.
  const typical = Math.max(cell - 3 - Math.sqrt(cell - total / items.length), 1);
  const square = Math.round(Math.sqrt(2.5 * typical * count) / typical);
  const perRow = Math.min(square, Math.floor(width / cell), COLUMNS_MAX);
  if (perRow <= 1) return items;
  const widths = [];
  for (let column = 0; column < perRow; column++) {
    let widest = 0;
    for (let i = column; i < count; i += perRow) widest = Math.max(widest, items[i].length);
    widths.push(widest);
  }
  const rows = [];
  for (let start = 0; start < count; start += perRow) {
    const end = Math.min(start + perRow, count);
    let row = "";
    for (let i = start; i < end; i++) {
      const last = i === end - 1;
      const comma = last ? "" : ", ";
      const space = " ".repeat(widths[i - start] - items[i].length);
      if (alignRight) row += space + items[i] + comma;
      else row += items[i] + comma + (last ? "" : space);
    }
    rows.push(row);
  }
  if (hasRest) rows.push(items[count]);
  return rows;
}

/**
 * Joins `items` between `open` and `close`: on one line where they fit, else one per line.
 *
 * `shallow` says that little is nested in them, `grouped` that they are rows of columns already.
 */
export function braces(items, open, close, { indent, width, shallow, grouped }) {
  if (items.length === 0) return open + close;
  if (shallow && !grouped) {
    let length = items.length + indent + open.length + 10 + items.length;
    let oneLine = !open.includes("\n");
    for (const item of items) {
      length += item.length;
      if (length > width || item.includes("\n")) {
        oneLine = false;
        break;
      }
    }
    if (oneLine) return `${open} ${items.join(", ")} ${close}`;
  }
  const line = `\n${" ".repeat(indent)}`;
  return `${open}${line}  ${items.join(`,${line}  `)}${line}${close}`;
}
