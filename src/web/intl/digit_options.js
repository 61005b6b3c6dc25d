// The options of digits and rounding, shared by numbers and plurals.
//
// Fidelity: ECMA-402 16.1.3 SetNumberFormatDigitOptions.
import { checkedNumber, numberOption, stringOption } from "dodev:web/intl/core";

const INCREMENTS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000];
const MODES = ["ceil", "floor", "expand", "trunc", "halfCeil", "halfFloor", "halfExpand", "halfTrunc", "halfEven"];

export function digitOptions(options, leastDefault, mostDefault, notation, service) {
  const minimumIntegerDigits = numberOption(options, "minimumIntegerDigits", 1, 21, 1);
  let least = options.minimumFractionDigits;
  let most = options.maximumFractionDigits;
  let leastSignificant = options.minimumSignificantDigits;
  let mostSignificant = options.maximumSignificantDigits;
  const roundingIncrement = numberOption(options, "roundingIncrement", 1, 5000, 1);
  if (!INCREMENTS.includes(roundingIncrement)) throw new RangeError("roundingIncrement value is out of range.");
  const roundingMode = stringOption(options, "roundingMode", MODES, "halfExpand", service);
  const roundingPriority = stringOption(options, "roundingPriority", ["auto", "morePrecision", "lessPrecision"], "auto", service);
  const trailingZeroDisplay = stringOption(options, "trailingZeroDisplay", ["auto", "stripIfInteger"], "auto", service);
  const result = { minimumIntegerDigits, roundingIncrement, roundingMode, roundingPriority, trailingZeroDisplay };
  const hasSignificant = leastSignificant !== undefined || mostSignificant !== undefined;
  const hasFraction = least !== undefined || most !== undefined;
  let needSignificant = true;
  let needFraction = true;
  if (roundingPriority === "auto") {
    needSignificant = hasSignificant;
    needFraction = !(hasSignificant || (!hasFraction && notation === "compact"));
  }
  if (needSignificant) {
    if (hasSignificant) {
      leastSignificant = checkedNumber(leastSignificant, 1, 21, 1, "minimumSignificantDigits");
      mostSignificant = checkedNumber(mostSignificant, leastSignificant, 21, 21, "maximumSignificantDigits");
    } else [leastSignificant, mostSignificant] = [1, 21];
    result.minimumSignificantDigits = leastSignificant;
    result.maximumSignificantDigits = mostSignificant;
  }
  if (needFraction) {
    if (hasFraction) {
      least = checkedNumber(least, 0, 100, undefined, "minimumFractionDigits");
      most = checkedNumber(most, 0, 100, undefined, "maximumFractionDigits");
      if (least === undefined) least = Math.min(leastDefault, most);
      else if (most === undefined) most = Math.max(mostDefault, least);
      else if (least > most) throw new RangeError("maximumFractionDigits value is out of range.");
    } else [least, most] = [leastDefault, mostDefault];
    result.minimumFractionDigits = least;
    result.maximumFractionDigits = most;
  }
  if (!needSignificant && !needFraction) {
    result.minimumFractionDigits = 0;
    result.maximumFractionDigits = 0;
    result.minimumSignificantDigits = 1;
    result.maximumSignificantDigits = 2;
    result.roundingType = "morePrecision";
    result.roundingPriority = "morePrecision";
  } else if (roundingPriority !== "auto") result.roundingType = roundingPriority;
  else result.roundingType = hasSignificant ? "significantDigits" : "fractionDigits";
  if (roundingIncrement !== 1) {
    if (result.roundingType !== "fractionDigits") throw new TypeError("RoundingType is not fractionDigits");
    if (result.maximumFractionDigits !== result.minimumFractionDigits) {
      throw new RangeError("maximumFractionDigits value is out of range.");
    }
  }
  return result;
}
