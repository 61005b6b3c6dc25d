// FormData, and the two encodings of forms: multipart and urlencoded, both ways.
import host from "dodev:host";
import { File, bytesOfBlob, isBlob, makeFile } from "dodev:web/blob";
import { badArgument, entriesOf, hidden, illegal, isObject, keysOf, nativeText, publish, valuesOf } from "dodev:web/webidl";

const { concatBytes, mimeType, multipartParse, queryParse } = host;

let isFormData;
let listOf;
let fromList;

/** The entry value for what `append` or `set` was given. */
function entryFrom(value, name, fileName) {
  if (!isBlob(value)) return nativeText(value);
  if (fileName === undefined && value instanceof File) return value;
  // Fidelity: the platform names a blob's file after its field where the standard says "blob".
  return makeFile(bytesOfBlob(value), fileName === undefined ? name : nativeText(fileName), value.type);
}

/** The list keeps its identity, so that iterators see what changes. */
function replaceItems(list, items) {
  list.length = 0;
  for (const item of items) list.push(item);
}

function need(count, method, given, type) {
  if (given < count) badArgument(method, "FormData", given + 1, given === 0 ? "string" : type);
}

/** Names and values of a form; a value is a string or a File. */
export class FormData {
  #list = [];

  static {
    isFormData = (value) => isObject(value) && #list in value;
    listOf = (form) => form.#list;
    fromList = (list) => {
      const form = new FormData();
      form.#list = list;
      return form;
    };
  }

  append(name, value, fileName) {
    if (this === undefined || !(#list in this)) illegal();
    need(2, "append", arguments.length, "File or Blob or string");
    this.#list.push(nativeText(name), entryFrom(value, nativeText(name), fileName));
  }

  delete(name) {
    if (this === undefined || !(#list in this)) illegal();
    need(1, "delete", arguments.length);
    const text = nativeText(name);
    replaceItems(this.#list, this.#list.filter((_, i, list) => list[i & ~1] !== text));
  }

  get(name) {
    if (this === undefined || !(#list in this)) illegal();
    need(1, "get", arguments.length);
    const list = this.#list;
    const text = nativeText(name);
    for (let i = 0; i < list.length; i += 2) if (list[i] === text) return list[i + 1];
    return null;
  }

  getAll(name) {
    if (this === undefined || !(#list in this)) illegal();
    need(1, "getAll", arguments.length);
    const text = nativeText(name);
    return this.#list.filter((_, i, list) => i % 2 === 1 && list[i - 1] === text);
  }

  has(name) {
    if (this === undefined || !(#list in this)) illegal();
    need(1, "has", arguments.length);
    const text = nativeText(name);
    return this.#list.some((item, i) => i % 2 === 0 && item === text);
  }

  set(name, value, fileName) {
    if (this === undefined || !(#list in this)) illegal();
    need(2, "set", arguments.length, "File or Blob or string");
    const text = nativeText(name);
    const entry = entryFrom(value, nativeText(name), fileName);
    const list = [];
    let placed = false;
    for (let i = 0; i < this.#list.length; i += 2) {
      const match = this.#list[i] === text;
      if (match && placed) continue;
      list.push(this.#list[i], match ? entry : this.#list[i + 1]);
      placed ||= match;
    }
    if (!placed) list.push(text, entry);
    replaceItems(this.#list, list);
  }

  entries() {
    if (this === undefined || !(#list in this)) illegal();
    return entriesOf(this.#list);
  }

  keys() {
    if (this === undefined || !(#list in this)) illegal();
    return keysOf(this.#list);
  }

  values() {
    if (this === undefined || !(#list in this)) illegal();
    return valuesOf(this.#list);
  }

  forEach(callback, thisArg) {
    if (this === undefined || !(#list in this)) illegal();
    if (typeof callback !== "function") badArgument("forEach", "FormData", 1, "function");
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) callback.call(thisArg, list[i + 1], list[i], this);
  }
}
publish(FormData);
hidden(FormData.prototype, Symbol.iterator, FormData.prototype.entries);

/** Writes a name into a Content-Disposition header. */
function quoted(name) {
  if (name.endsWith("\\")) throw new TypeError("Name or filename can't end with backslash");
  return name.replaceAll('"', "%22").replaceAll("\n", "%0A").replaceAll("\\", "\\\\");
}

/** `{ type, bytes }`: the multipart encoding of a form and its content type with a random boundary. */
export function serializeForm(form) {
  let boundary = "";
  for (let i = 0; i < 4; i++) boundary += Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, "0");
  const list = listOf(form);
  const parts = [];
  for (let i = 0; i < list.length; i += 2) {
    const value = list[i + 1];
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(list[i])}"`;
    if (typeof value === "string") {
      parts.push(`${head}\r\n\r\n${value}\r\n`);
    } else {
      const type = value.type || "application/octet-stream";
      parts.push(`${head}; filename="${quoted(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`);
      parts.push(bytesOfBlob(value), "\r\n");
    }
  }
  parts.push(`--${boundary}--`);
  return { type: `multipart/form-data; boundary=${boundary}`, bytes: concatBytes(parts) };
}

/** The form that `body` (a string or an ArrayBuffer) encodes according to the content type `type`. */
export function formDataFrom(body, type) {
  const essence = mimeType(type, "");
  if (essence === "multipart/form-data") {
    const boundary = mimeType(type, "boundary");
    if (boundary === undefined) {
      throw new TypeError(
        "No boundary string in Content-Type header. The multipart/form-data MIME type requires a boundary parameter, e.g. 'Content-Type: multipart/form-data; boundary=\"abcd\"'. See RFC 7578, section 4.",
      );
    }
    const parts = multipartParse(body, boundary);
    const list = [];
    for (let i = 0; i < parts.length; i += 4) {
      const [name, value, fileName, fileType] = parts.slice(i, i + 4);
      list.push(name, fileName === null ? value : makeFile(value, fileName, fileType));
    }
    return fromList(list);
  }
  if (essence === "application/x-www-form-urlencoded") {
    const charset = mimeType(type, "charset");
    if (charset !== undefined && !/^(utf-?8|unicode-1-1-utf-8)$/i.test(charset)) {
      throw new TypeError("Non-utf-8 application/x-www-form-urlencoded body.");
    }
    return fromList(queryParse(typeof body === "string" ? body : host.utf8Decode(body)));
  }
  throw new TypeError(
    "Unrecognized Content-Type header value. FormData can only parse the following MIME types: multipart/form-data, application/x-www-form-urlencoded",
  );
}

export { isFormData };
