// The parts of a stored response that a request asks for by `Range`.
//
// Fidelity: wrangler's cache: what it cannot read or find is 416, several ranges come as `multipart/byteranges`. Deviation: the
// length of several parts is theirs, where wrangler keeps that of the whole response.

/**
 * The ranges of `text`, each the index of its first and of its last byte, in a body of `size` bytes; an empty list stands for the
 * whole body, `undefined` for what cannot be had.
 */
export function rangesOf(text, size) {
  const unit = /^ *bytes *=/i.exec(text);
  if (unit === null) return undefined;
  const rest = text.slice(unit[0].length);
  const ranges = [];
  if (rest.trim() === "") return ranges;
  for (const part of rest.split(",")) {
    const found = /^ *(\d*) *- *(\d*) *$/.exec(part);
    if (found === null || (found[1] === "" && found[2] === "")) return undefined;
    const [first, last] = [Number(found[1]), Number(found[2])];
    if (found[1] === "") {
      if (last >= size) return [];
      if (last > 0) ranges.push([size - last, size - 1]);
      continue;
    }
    const end = found[2] === "" ? size - 1 : last;
    if (first > end || first >= size) return undefined;
    ranges.push([first, Math.min(end, size - 1)]);
  }
  return ranges;
}

/** The content type and the bytes of several `ranges` of `body`, whose own content type is `type`. */
export function multipartOf(ranges, body, type) {
  const boundary = `dodev-boundary-${crypto.randomUUID()}`;
  const parts = [];
  for (const [start, end] of ranges) {
    parts.push(`--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${start}-${end}/${body.byteLength}\r\n\r\n`);
    parts.push(body.slice(start, end + 1), "\r\n");
  }
  parts.push(`--${boundary}--`);
  return { type: `multipart/byteranges; boundary=${boundary}`, parts };
}
