//! The decimal text of a number, as `Number.prototype.toString` gives it.
//!
//! Rust finds the shortest digits that read back as the same number, which are the ones that ECMAScript asks for; what is
//! left is where the point goes. Where two such texts are equally near to the number, Rust takes the larger and the engine the
//! even one; so what might be such a tie is left to the engine.

use std::fmt::Write;

/// Whole numbers below this are written as integers; each of them is exact.
const WHOLE_MAX: f64 = 1e15;

/// Texts of fewer digits are nearer to their number than any other of that length.
const TIE_DIGITS_MIN: i32 = 15;

/// Adds the text of `number`, which is finite, to `out`; false if the engine has to choose it.
pub(super) fn write(out: &mut Vec<u8>, number: f64) -> bool {
    if number.abs() < WHOLE_MAX && number.trunc() == number {
        write_integer(out, number as i64);
        return true;
    }
    if write_short(out, number) {
        return true;
    }
    let mut text = Short { bytes: [0; 32], length: 0 };
    write!(text, "{number:e}").expect("the shortest form has at most 24 characters");
    let text = &text.bytes[..text.length];
    let (text, is_negative) = text.strip_prefix(b"-").map_or((text, false), |rest| (rest, true));
    let at = text.iter().position(|byte| *byte == b'e').expect("the form with an exponent");
    let (first, rest) = (text[0], text.get(2..at).unwrap_or_default());
    let digits = 1 + rest.len() as i32;
    let exponent =
        text[at + 1..].strip_prefix(b"-").map_or_else(|| digits_value(&text[at + 1..]), |e| -digits_value(e));
    // The point stands before digit `point`, counted from zero.
    let point = exponent + 1;
    let last = rest.last().copied().unwrap_or(first);
    if digits >= TIE_DIGITS_MIN && last % 2 == 1 && may_end_in_five(number, digits - point) {
        return false;
    }
    if is_negative {
        out.push(b'-');
    }
    let zeros = |out: &mut Vec<u8>, count: i32| out.resize(out.len() + count.max(0) as usize, b'0');
    if digits <= point && point <= 21 {
        out.push(first);
        out.extend_from_slice(rest);
        zeros(out, point - digits);
    } else if 0 < point && point <= 21 {
        out.push(first);
        let (whole, fraction) = rest.split_at(point as usize - 1);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    } else if -6 < point && point <= 0 {
        out.extend_from_slice(b"0.");
        zeros(out, -point);
        out.push(first);
        out.extend_from_slice(rest);
    } else {
        out.push(first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        write_integer(out, i64::from(exponent.abs()));
    }
    true
}

/// Adds the text of `number` to `out` if it is a short decimal fraction. What the fewest decimals give back, with fewer than
/// fifteen digits in all, is the shortest text and the only one of its length.
fn write_short(out: &mut Vec<u8>, number: f64) -> bool {
    const NUMBER_MAX: f64 = 1e9;
    let size = number.abs();
    if size >= NUMBER_MAX {
        return false;
    }
    for (decimals, scale) in [(1, 1e1), (2, 1e2), (3, 1e3), (4, 1e4)] {
        let scaled = (size * scale).round();
        if scaled / scale != size {
            continue;
        }
        if number < 0.0 {
            out.push(b'-');
        }
        let (scaled, scale) = (scaled as i64, scale as i64);
        write_integer(out, scaled / scale);
        out.push(b'.');
        let mut fraction = scaled % scale;
        let start = out.len();
        out.resize(start + decimals, b'0');
        for digit in out[start..].iter_mut().rev() {
            *digit += (fraction % 10) as u8;
            fraction /= 10;
        }
        return true;
    }
    false
}

/// Whether `number` could be written exactly with one digit more than its shortest text, which has `decimals` digits after
/// the point. A binary fraction has as many decimal digits as binary ones.
fn may_end_in_five(number: f64, decimals: i32) -> bool {
    decimals <= 0 || (number * 2f64.powi(decimals + 1)).fract() == 0.0
}

/// Adds the text of `number` to `out`.
pub(super) fn write_integer(out: &mut Vec<u8>, number: i64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut left = number.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[start..]);
}

fn digits_value(digits: &[u8]) -> i32 {
    digits.iter().fold(0, |value, digit| value * 10 + i32::from(digit - b'0'))
}

/// A text on the stack.
struct Short {
    bytes: [u8; 32],
    length: usize,
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::write;

    fn text(number: f64) -> String {
        let mut out = Vec::new();
        assert!(write(&mut out, number), "{number} is left to the engine");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_look_as_in_javascript() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-1.0, "-1"),
            (0.125, "0.125"),
            (-12.5, "-12.5"),
            (1e15, "1000000000000000"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (1.5e21, "1.5e+21"),
            (0.000_001, "0.000001"),
            (0.000_001_25, "0.00000125"),
            (1e-7, "1e-7"),
            (-1.25e-7, "-1.25e-7"),
            (5e-324, "5e-324"),
            (1.5e308, "1.5e+308"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1234.5678, "1234.5678"),
            (1.005, "1.005"),
            (-0.1, "-0.1"),
            (0.0001, "0.0001"),
            (524_287.5, "524287.5"),
            (0.3, "0.3"),
            (1.1, "1.1"),
            (100.07, "100.07"),
        ] {
            assert_eq!(text(number), expected);
        }
    }

    #[test]
    fn ties_are_left_to_the_engine() {
        for (number, is_written) in [
            (f64::from_bits(4_805_785_048_173_606_928), false),
            (0.123_456_789_012_345_67, true),
            (2f64.powi(60), false),
        ] {
            let mut out = Vec::new();
            assert_eq!(write(&mut out, number), is_written, "{number}");
            assert_eq!(out.is_empty(), !is_written, "{number}");
        }
    }
}
