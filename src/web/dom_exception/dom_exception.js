// DOMException: the errors of Web APIs that are told apart by name.
import { constants, shape } from "dodev:web/interface";

const CODES = {
  INDEX_SIZE_ERR: 1,
  DOMSTRING_SIZE_ERR: 2,
  HIERARCHY_REQUEST_ERR: 3,
  WRONG_DOCUMENT_ERR: 4,
  INVALID_CHARACTER_ERR: 5,
  NO_DATA_ALLOWED_ERR: 6,
  NO_MODIFICATION_ALLOWED_ERR: 7,
  NOT_FOUND_ERR: 8,
  NOT_SUPPORTED_ERR: 9,
  INUSE_ATTRIBUTE_ERR: 10,
  INVALID_STATE_ERR: 11,
  SYNTAX_ERR: 12,
  INVALID_MODIFICATION_ERR: 13,
  NAMESPACE_ERR: 14,
  INVALID_ACCESS_ERR: 15,
  VALIDATION_ERR: 16,
  TYPE_MISMATCH_ERR: 17,
  SECURITY_ERR: 18,
  NETWORK_ERR: 19,
  ABORT_ERR: 20,
  URL_MISMATCH_ERR: 21,
  QUOTA_EXCEEDED_ERR: 22,
  TIMEOUT_ERR: 23,
  INVALID_NODE_TYPE_ERR: 24,
  DATA_CLONE_ERR: 25,
};

// Names in capitals and underscores → `NotFoundError`; three names do not follow the rule.
const CODE_BY_NAME = new Map([
  ["DOMStringSizeError", 2],
  ["InUseAttributeError", 10],
  ["URLMismatchError", 21],
]);
for (const [constant, code] of Object.entries(CODES)) {
  const words = constant.slice(0, -"_ERR".length).toLowerCase().split("_");
  const name = words.map((word) => word[0].toUpperCase() + word.slice(1)).join("") + "Error";
  CODE_BY_NAME.set(name, code);
}

/** Its instances are errors, but the class itself inherits nothing from `Error`. */
export class DOMException {
  constructor(message = "", name = "Error") {
    const error = Reflect.construct(Error, [`${message}`], new.target);
    name = `${name}`;
    // Fidelity: workerd's DOMException carries them as own, read-only properties.
    return Object.defineProperties(error, {
      code: { value: CODE_BY_NAME.get(name) ?? 0, enumerable: true, configurable: true },
      name: { value: name, enumerable: true, configurable: true },
      message: { enumerable: true, writable: false },
    });
  }
}
Object.setPrototypeOf(DOMException.prototype, Error.prototype);

shape(DOMException);
constants(DOMException, CODES);
