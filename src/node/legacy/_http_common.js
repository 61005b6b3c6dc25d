// node:_http_common: the name of a part of node:http in older packages.
import { hasBadCharacter, isToken } from "dodev:node/http/fields";
import { METHODS } from "dodev:node/http/tables";

export const _checkIsHttpToken = isToken;
export const _checkInvalidHeaderChar = hasBadCharacter;
export const chunkExpression = /(?:^|\W)chunked(?:$|\W)/i;
export const continueExpression = /(?:^|\W)100-continue(?:$|\W)/i;
export const CRLF = "\r\n";
export const methods = METHODS;

export default { _checkIsHttpToken, _checkInvalidHeaderChar, chunkExpression, continueExpression, CRLF, methods };
