// `console.table`: rows of data in a frame.
import { inspect } from "dodev:web/console/inspect";

const ROWS_MAX = 1_000;

const cellText = (value) => inspect(value, { depth: 0, maxArrayLength: 3, breakLength: Infinity });

function rowsOf(data) {
  if (data instanceof Map) {
    return { title: "(iteration index)", rows: [...data].map(([key, value], i) => [`${i}`, { Key: key, Values: value }, true]) };
  }
  if (data instanceof Set) {
    return { title: "(iteration index)", rows: [...data].map((value, i) => [`${i}`, value, false]) };
  }
  return { title: "(index)", rows: Object.keys(data).map((key) => [key, data[key], false]) };
}

/** `data` as a table of the columns `wanted`, or of all; `undefined` if it is nothing to tabulate. */
export function table(data, wanted) {
  if (typeof data !== "object" || data === null) return undefined;
  const { title, rows } = rowsOf(data);
  const names = wanted === undefined ? [] : [...wanted];
  let values = false;
  const lines = rows.slice(0, ROWS_MAX).map(([index, row, whole]) => {
    const cells = new Map();
    if (typeof row === "object" && row !== null) {
      for (const key of Object.keys(row)) {
        if (wanted === undefined && !names.includes(key)) names.push(key);
        if (names.includes(key)) cells.set(key, cellText(row[key]));
      }
      return { index, cells, whole };
    }
    values = true;
    return { index, cells, value: cellText(row) };
  });
  const header = [title, ...names, ...(values ? ["Values"] : [])];
  const body = lines.map(({ index, cells, value }) => {
    const line = [index, ...names.map((name) => cells.get(name) ?? "")];
    if (values) line.push(value ?? "");
    return line;
  });
  const text = draw(header, body);
  return rows.length > ROWS_MAX ? `${text}\n... ${rows.length - ROWS_MAX} more rows` : text;
}

function draw(header, body) {
  const widths = header.map((title, column) => {
    return body.reduce((width, line) => Math.max(width, line[column].length), title.length) + 2;
  });
  const rule = (left, middle, right) => left + widths.map((width) => "─".repeat(width)).join(middle) + right;
  const line = (cells) => `│${cells.map((cell, i) => ` ${cell}`.padEnd(widths[i])).join("│")}│`;
  return [rule("┌", "┬", "┐"), line(header), rule("├", "┼", "┤"), ...body.map(line), rule("└", "┴", "┘")].join("\n");
}
