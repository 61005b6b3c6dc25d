// The methods of Buffer that read and write numbers, at any offset and in both byte orders.
import { needNumber, nodeError, outOfRange, wrongType } from "dodev:node/errors";

const scratch = new DataView(new ArrayBuffer(8));

function outside(offset, last) {
  needNumber(offset, "offset");
  if (!Number.isInteger(offset)) return outOfRange("offset", "an integer", offset);
  if (last < 0) {
    return nodeError(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", "Attempt to access memory outside buffer bounds");
  }
  return outOfRange("offset", `>= 0 and <= ${last}`, offset);
}

function checkOffset(buffer, offset, size) {
  const last = buffer.length - size;
  if (typeof offset !== "number" || !(offset >= 0 && offset <= last) || !Number.isInteger(offset)) {
    throw outside(offset, last);
  }
}

function checkSize(size) {
  needNumber(size, "byteLength");
  if (!Number.isInteger(size)) throw outOfRange("byteLength", "an integer", size);
  if (size < 1 || size > 6) throw outOfRange("byteLength", ">= 1 and <= 6", size);
}

// Fidelity: ranges of more than four bytes are written as powers.
function valueOutOfRange(value, min, max, size, suffix) {
  const bits = size * 8;
  let range = `>= ${min}${suffix} and <= ${max}${suffix}`;
  if (size > 4) {
    range = min
      ? `>= -(2${suffix} ** ${bits - 1}${suffix}) and < 2${suffix} ** ${bits - 1}${suffix}`
      : `>= 0${suffix} and < 2${suffix} ** ${bits}${suffix}`;
  }
  return outOfRange("value", range, value);
}

function read(buffer, offset, size, little, signed) {
  checkOffset(buffer, offset, size);
  let value = 0;
  if (little) for (let i = size - 1; i >= 0; i--) value = value * 256 + buffer[offset + i];
  else for (let i = 0; i < size; i++) value = value * 256 + buffer[offset + i];
  return signed && value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value;
}

function write(buffer, value, offset, size, little, signed) {
  value = +value;
  const max = signed ? 2 ** (8 * size - 1) - 1 : 2 ** (8 * size) - 1;
  const min = signed ? -(2 ** (8 * size - 1)) : 0;
  if (value > max || value < min) throw valueOutOfRange(value, min, max, size, "");
  checkOffset(buffer, offset, size);
  let rest = Math.trunc(value) || 0;
  if (rest < 0) rest += 2 ** (8 * size);
  for (let i = 0; i < size; i++) {
    buffer[little ? offset + i : offset + size - 1 - i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return offset + size;
}

function readWith(buffer, offset, size, method, little) {
  checkOffset(buffer, offset, size);
  for (let i = 0; i < size; i++) scratch.setUint8(i, buffer[offset + i]);
  return scratch[method](0, little);
}

function writeWith(buffer, value, offset, size, method, little) {
  checkOffset(buffer, offset, size);
  scratch[method](0, value, little);
  for (let i = 0; i < size; i++) buffer[offset + i] = scratch.getUint8(i);
  return offset + size;
}

function bigInt(value, signed) {
  if (typeof value !== "bigint") throw wrongType("value", "of type bigint", value);
  const max = signed ? 2n ** 63n - 1n : 2n ** 64n - 1n;
  const min = signed ? -(2n ** 63n) : 0n;
  if (value > max || value < min) throw valueOutOfRange(value, min, max, 8, "n");
  return value;
}

function define(prototype, name, method) {
  const value = { [name]: method }[name];
  Object.defineProperty(value, "name", { value: name });
  Object.defineProperty(prototype, name, { value, writable: true, enumerable: true, configurable: true });
}

// `readUInt16LE` is also called `readUint16LE`.
function defineBoth(prototype, name, method) {
  define(prototype, name, method);
  if (name.includes("UInt")) define(prototype, name.replace("UInt", "Uint"), method);
}

function defineIntegers(prototype, signed) {
  const kind = signed ? "Int" : "UInt";
  for (const size of [1, 2, 4]) {
    for (const order of size === 1 ? [""] : ["LE", "BE"]) {
      const little = order !== "BE";
      const suffix = `${kind}${size * 8}${order}`;
      defineBoth(prototype, `read${suffix}`, function (offset = 0) {
        return read(this, offset, size, little, signed);
      });
      defineBoth(prototype, `write${suffix}`, function (value, offset = 0) {
        return write(this, value, offset, size, little, signed);
      });
    }
  }
  for (const order of ["LE", "BE"]) {
    const little = order === "LE";
    defineBoth(prototype, `read${kind}${order}`, function (offset, byteLength) {
      if (offset === undefined) throw wrongType("offset", "of type number", offset);
      checkSize(byteLength);
      return read(this, offset, byteLength, little, signed);
    });
    defineBoth(prototype, `write${kind}${order}`, function (value, offset, byteLength) {
      checkSize(byteLength);
      return write(this, value, offset, byteLength, little, signed);
    });
    const big = `Big${kind}64${order}`;
    const accessor = signed ? "BigInt64" : "BigUint64";
    defineBoth(prototype, `read${big}`, function (offset = 0) {
      return readWith(this, offset, 8, `get${accessor}`, little);
    });
    defineBoth(prototype, `write${big}`, function (value, offset = 0) {
      return writeWith(this, bigInt(value, signed), offset, 8, `set${accessor}`, little);
    });
  }
}

/** Adds all of them to `prototype`. */
export function defineNumbers(prototype) {
  defineIntegers(prototype, false);
  defineIntegers(prototype, true);
  for (const [kind, size, accessor] of [["Float", 4, "Float32"], ["Double", 8, "Float64"]]) {
    for (const order of ["LE", "BE"]) {
      const little = order === "LE";
      define(prototype, `read${kind}${order}`, function (offset = 0) {
        return readWith(this, offset, size, `get${accessor}`, little);
      });
      define(prototype, `write${kind}${order}`, function (value, offset = 0) {
        return writeWith(this, value, offset, size, `set${accessor}`, little);
      });
    }
  }
}
