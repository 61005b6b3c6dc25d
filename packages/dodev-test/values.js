// Values as the control API carries them: V8's own serialization, so that dates, maps and bytes stay what they are.
import { Deserializer, Serializer } from "node:v8";

/** Base64 of `value`, serialized as the platform does: without Node's own form of typed arrays. */
export function encode(value) {
  const serializer = new Serializer();
  serializer.writeHeader();
  serializer.writeValue(value);
  return serializer.releaseBuffer().toString("base64");
}

/** The value that `entry` holds, an object with `v8`; `what` is for the error. */
export function decode(entry, what) {
  if (entry.unreadable !== undefined || entry.v8 === undefined) {
    throw new TypeError(`${what} is no data: ${entry.unreadable ?? "nothing was sent"}`);
  }
  const deserializer = new Deserializer(Buffer.from(entry.v8, "base64"));
  deserializer.readHeader();
  return deserializer.readValue();
}

/** A parameter of an SQL statement in JSON. */
export function toSql(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    const bytes = ArrayBuffer.isView(value)
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      : Buffer.from(value);
    return { base64: bytes.toString("base64") };
  }
  if (value === undefined || value === null) return null;
  if (["boolean", "number", "string"].includes(typeof value)) return value;
  throw new TypeError(`a parameter of a statement is null, a number, text or bytes, not ${typeof value}`);
}

/** A column of a row. */
export function fromSql(value) {
  if (value === null || typeof value !== "object") return value;
  if (value.base64 !== undefined) return new Uint8Array(Buffer.from(value.base64, "base64"));
  return value.$ === "bigint" ? BigInt(value.v) : Number(value.v);
}
