// node:punycode: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "punycode",
  "decode encode toASCII toUnicode",
  "ucs2",
  {
    version: "2.1.0",
  },
);

export const {
  decode, encode, toASCII, toUnicode, ucs2, version,
} = module;
export default module;
