//! Reads a value that somebody typed: JSON, or JavaScript where JSON has no word for it.
//!
//! The text is parsed as an expression by the parser that the bundler has linked anyway, and only what is a value
//! without running anything is taken: literals, arrays, objects, and the constructors of built-in classes with
//! literal arguments. Properties get the order that JavaScript gives them, so that the stored bytes are the ones
//! that a program would have stored.

use oxc::allocator::Allocator;
use oxc::ast::ast::{
    Argument, ArrayExpressionElement, Expression, NewExpression, ObjectPropertyKind, PropertyKey,
    UnaryOperator,
};
use oxc::parser::Parser;
use oxc::span::{GetSpan, SourceType, Span};

use super::moment::parse_date;
use crate::codec::value::{BigInt, Key, Kind, Property, Text, Value};
use crate::codec::wire::{ViewKind, ViewPart, regexp_bits};

#[cfg(test)]
mod tests;

/// Deepest nesting of a typed value.
const DEPTH_MAX: usize = 256;
/// Longest array that is made by its length alone.
const LENGTH_MAX: f64 = 1_000_000.0;

/// Why a text is no value, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}", if at.is_empty() { String::new() } else { format!(", at `{at}`") })]
pub struct NotAValue {
    /// The reason.
    pub what: String,
    /// The piece of the text; empty where `what` has it.
    pub at: String,
}

/// The value that `text` is.
pub fn parse(text: &str) -> Result<Value, NotAValue> {
    let text = text.trim();
    if text.is_empty() {
        return Err(NotAValue { what: "a value is missing".to_owned(), at: String::new() });
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::mjs()).parse_expression();
    let expression = parsed.map_err(|errors| {
        // A word alone is nearly always a text whose quotes the shell took.
        let what =
            errors.first().map_or_else(|| "this is no value".to_owned(), |error| error.message.to_string());
        NotAValue { what, at: shorten(text) }
    })?;
    Reader { text }.value(&expression, 0)
}

struct Reader<'t> {
    text: &'t str,
}

impl Reader<'_> {
    fn refuse(&self, span: Span, what: impl Into<String>) -> NotAValue {
        let piece = self.text.get(span.start as usize..span.end as usize).unwrap_or(self.text);
        NotAValue { what: what.into(), at: shorten(piece) }
    }

    fn value(&self, expression: &Expression<'_>, depth: usize) -> Result<Value, NotAValue> {
        if depth > DEPTH_MAX {
            return Err(self.refuse(expression.span(), "this is nested too deep"));
        }
        Ok(match expression {
            Expression::NullLiteral(_) => Value::Null,
            Expression::BooleanLiteral(literal) => Value::Bool(literal.value),
            Expression::NumericLiteral(literal) => Value::number(literal.value),
            Expression::StringLiteral(literal) => {
                Value::String(text_of(literal.value.as_str(), literal.lone_surrogates))
            }
            Expression::BigIntLiteral(literal) => Value::BigInt(
                bigint(literal.value.as_str())
                    .ok_or_else(|| self.refuse(literal.span, "this BigInt cannot be read"))?,
            ),
            Expression::RegExpLiteral(literal) => Value::object(Kind::RegExp {
                source: Text::from(literal.regex.pattern.text.as_str()),
                flags: regexp_bits(&literal.regex.flags.to_string()),
            }),
            Expression::TemplateLiteral(template) if template.expressions.is_empty() => {
                let text = template.quasis.first().and_then(|part| part.value.cooked.as_ref());
                Value::text(text.map_or("", |text| text.as_str()))
            }
            Expression::Identifier(name) => match name.name.as_str() {
                "undefined" => Value::Undefined,
                "NaN" => Value::Double(f64::NAN),
                "Infinity" => Value::Double(f64::INFINITY),
                other => {
                    let what = format!("`{other}` is not a value; a text needs quotes, as in '\"{other}\"'");
                    return Err(NotAValue { what, at: String::new() });
                }
            },
            Expression::UnaryExpression(unary) => self.signed(unary.operator, &unary.argument, unary.span)?,
            Expression::ParenthesizedExpression(inner) => self.value(&inner.expression, depth + 1)?,
            Expression::ArrayExpression(array) => {
                let elements = self.elements(&array.elements, depth)?;
                Value::object(Kind::Dense { elements, properties: Vec::new() })
            }
            Expression::ObjectExpression(object) => self.object(&object.properties, depth)?,
            Expression::NewExpression(made) => self.made(made, depth)?,
            Expression::CallExpression(call) => match &call.callee {
                Expression::Identifier(name) if name.name == "BigInt" => {
                    self.called_bigint(&call.arguments, call.span)?
                }
                Expression::Identifier(name) if name.name == "Object" => {
                    self.boxed(&call.arguments, call.span, depth)?
                }
                Expression::StaticMemberExpression(member) => {
                    let class = match &member.object {
                        Expression::Identifier(class) => class.name.as_str(),
                        _ => "",
                    };
                    let arguments = || self.arguments(&call.arguments, depth);
                    match (class, member.property.name.as_str()) {
                        ("Object", "assign") => assigned(arguments()?)
                            .ok_or_else(|| self.refuse(call.span, "give an array and its properties"))?,
                        ("Uint8Array", "fromHex") => from_hex(&arguments()?)
                            .ok_or_else(|| self.refuse(call.span, "give pairs of hexadecimal digits"))?,
                        _ => return Err(self.refuse(call.span, "a function cannot be called here")),
                    }
                }
                _ => return Err(self.refuse(call.span, "a function cannot be called here")),
            },
            Expression::StaticMemberExpression(member) if member.property.name == "buffer" => {
                buffer_of(self.value(&member.object, depth + 1)?)
                    .ok_or_else(|| self.refuse(member.span, "only a typed array has a `buffer`"))?
            }
            other => return Err(self.refuse(other.span(), "this is not a value")),
        })
    }

    fn signed(
        &self,
        operator: UnaryOperator,
        argument: &Expression<'_>,
        span: Span,
    ) -> Result<Value, NotAValue> {
        match (operator, self.value(argument, 0)?) {
            (UnaryOperator::UnaryPlus, number @ (Value::Int(_) | Value::Double(_))) => Ok(number),
            (UnaryOperator::UnaryNegation, Value::Int(number)) => Ok(Value::number(-f64::from(number))),
            (UnaryOperator::UnaryNegation, Value::Double(number)) => Ok(Value::number(-number)),
            (UnaryOperator::UnaryNegation, Value::BigInt(number)) => {
                Ok(Value::BigInt(BigInt::new(true, number.magnitude().to_vec())))
            }
            (UnaryOperator::Void, _) => Ok(Value::Undefined),
            _ => Err(self.refuse(span, "this is not a value")),
        }
    }

    fn elements(
        &self,
        elements: &[ArrayExpressionElement<'_>],
        depth: usize,
    ) -> Result<Vec<Option<Value>>, NotAValue> {
        elements
            .iter()
            .map(|element| match element {
                ArrayExpressionElement::Elision(_) => Ok(None),
                ArrayExpressionElement::SpreadElement(spread) => {
                    Err(self.refuse(spread.span, "`...` cannot be used here"))
                }
                element => self.value(element.to_expression(), depth + 1).map(Some),
            })
            .collect()
    }

    fn object(&self, properties: &[ObjectPropertyKind<'_>], depth: usize) -> Result<Value, NotAValue> {
        let mut read: Vec<(String, Value)> = Vec::new();
        for property in properties {
            let ObjectPropertyKind::ObjectProperty(property) = property else {
                return Err(self.refuse(property.span(), "`...` cannot be used here"));
            };
            if property.method || property.computed {
                return Err(self.refuse(property.span, "this is not a property with a value"));
            }
            let name = match &property.key {
                PropertyKey::StaticIdentifier(name) => name.name.to_string(),
                PropertyKey::StringLiteral(name) if name.lone_surrogates => {
                    return Err(self.refuse(name.span, "this name is not well-formed text"));
                }
                PropertyKey::StringLiteral(name) => name.value.to_string(),
                PropertyKey::NumericLiteral(name) => crate::codec::show(&Value::number(name.value)),
                other => return Err(self.refuse(other.span(), "this cannot be a property's name")),
            };
            let value = self.value(&property.value, depth + 1)?;
            match read.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = value,
                None => read.push((name, value)),
            }
        }
        Ok(plain(read))
    }

    fn made(&self, made: &NewExpression<'_>, depth: usize) -> Result<Value, NotAValue> {
        let Expression::Identifier(class) = &made.callee else {
            return Err(self.refuse(made.span, "this class cannot be made here"));
        };
        let arguments = self.arguments(&made.arguments, depth)?;
        let refuse = |what: &str| Err(self.refuse(made.span, what));
        let kind = match (class.name.as_str(), arguments.as_slice()) {
            ("Date", [Value::Int(ms)]) => Kind::Date(f64::from(*ms)),
            ("Date", [Value::Double(ms)]) => {
                Kind::Date(if ms.abs() <= 8.64e15 { ms.trunc() } else { f64::NAN })
            }
            ("Date", [Value::String(text)]) => match text.as_str().and_then(parse_date) {
                Some(ms) => Kind::Date(ms as f64),
                None => return refuse("give the date as in `new Date(\"2026-01-31T12:00:00Z\")`"),
            },
            ("Date", _) => return refuse("give one date, as in `new Date(\"2026-01-31T12:00:00Z\")`"),
            ("Map", []) => Kind::Map(Vec::new()),
            ("Map", [entries]) => match pairs(entries) {
                Some(entries) => Kind::Map(unique(entries)),
                None => return refuse("give the entries as in `new Map([[\"a\", 1]])`"),
            },
            ("Set", []) => Kind::Set(Vec::new()),
            ("Set", [entries]) => match list(entries) {
                Some(entries) => {
                    let pairs = unique(entries.into_iter().map(|entry| (entry, Value::Null)).collect());
                    Kind::Set(pairs.into_iter().map(|(entry, _)| entry).collect())
                }
                None => return refuse("give the entries as in `new Set([1, 2])`"),
            },
            ("ArrayBuffer", [length]) => match number(length).filter(|length| is_length(*length)) {
                Some(length) => Kind::Buffer { bytes: vec![0; length as usize], length_max: None },
                None => return refuse("give the length in bytes, up to a million"),
            },
            ("RegExp", [Value::String(source), flags @ ..]) => Kind::RegExp {
                source: source.clone(),
                flags: match flags {
                    [Value::String(flags)] => regexp_bits(&flags.to_lossy()),
                    _ => 0,
                },
            },
            ("Array", [length]) => match number(length).filter(|length| is_length(*length)) {
                Some(length) => Kind::Dense { elements: vec![None; length as usize], properties: Vec::new() },
                None => return refuse("give the length, up to a million"),
            },
            (name, arguments) => match ViewKind::all().find(|kind| kind.class_name() == name) {
                None => {
                    return refuse(
                        "only plain values, Date, Map, Set, RegExp, BigInt, ArrayBuffer and views of it can be made here",
                    );
                }
                Some(kind) => match view(kind, arguments) {
                    Some(kind) => kind,
                    None => return refuse("give the elements as in `new Uint8Array([1, 2])`, or a length"),
                },
            },
        };
        Ok(Value::object(kind))
    }

    fn arguments(&self, arguments: &[Argument<'_>], depth: usize) -> Result<Vec<Value>, NotAValue> {
        arguments
            .iter()
            .map(|argument| match argument.as_expression() {
                Some(argument) => self.value(argument, depth + 1),
                None => Err(self.refuse(argument.span(), "`...` cannot be used here")),
            })
            .collect()
    }

    /// What `Object(…)` makes of a value that is no object.
    fn boxed(&self, arguments: &[Argument<'_>], span: Span, depth: usize) -> Result<Value, NotAValue> {
        let mut arguments = self.arguments(arguments, depth)?;
        let kind = match (arguments.pop(), arguments.is_empty()) {
            (Some(Value::Bool(yes)), true) => Kind::BoxedBool(yes),
            (Some(Value::Int(number)), true) => Kind::BoxedNumber(f64::from(number)),
            (Some(Value::Double(number)), true) => Kind::BoxedNumber(number),
            (Some(Value::BigInt(number)), true) => Kind::BoxedBigInt(number),
            (Some(Value::String(text)), true) => Kind::BoxedString(text),
            (Some(object @ Value::Object(_)), true) => return Ok(object),
            _ => return Err(self.refuse(span, "give one value, as in `Object(1)`")),
        };
        Ok(Value::object(kind))
    }

    fn called_bigint(&self, arguments: &[Argument<'_>], span: Span) -> Result<Value, NotAValue> {
        let arguments = self.arguments(arguments, 0)?;
        let found = match arguments.as_slice() {
            [Value::String(text)] => text.as_str().and_then(bigint),
            [Value::Int(number)] => Some(BigInt::from(i64::from(*number))),
            _ => None,
        };
        found.map(Value::BigInt).ok_or_else(|| self.refuse(span, "give the digits as in `BigInt(\"12\")`"))
    }
}

/// The text of a literal. The parser writes a lone surrogate as U+FFFD with its four digits, where it says so.
fn text_of(text: &str, has_lone_surrogates: bool) -> Text {
    if !has_lone_surrogates {
        return text.into();
    }
    let mut units = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        let digits = rest.get(..4).filter(|_| letter == '\u{fffd}');
        match digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
            Some(unit) => {
                units.push(unit);
                rest = &rest[4..];
            }
            None => units.extend(letter.encode_utf16(&mut [0; 2]).iter()),
        }
    }
    Text::from_utf16(units)
}

/// The array that `Object.assign(array, properties)` makes.
fn assigned(arguments: Vec<Value>) -> Option<Value> {
    let [Value::Object(array), Value::Object(more)] = <[Value; 2]>::try_from(arguments).ok()? else {
        return None;
    };
    let (Kind::Dense { mut elements, mut properties }, Kind::Plain(more)) = (array.kind, more.kind) else {
        return None;
    };
    for (key, value) in more {
        let index = match key {
            Key::Int(index) => usize::try_from(index).ok(),
            Key::Double(index) => is_length(index).then_some(index as usize),
            Key::Text(_) => None,
        };
        match (index, key) {
            (Some(index), _) if (index as f64) < LENGTH_MAX => {
                if elements.len() <= index {
                    elements.resize(index + 1, None);
                }
                elements[index] = Some(value);
            }
            (_, key @ Key::Text(_)) => match properties.iter_mut().find(|(known, _)| *known == key) {
                Some(known) => known.1 = value,
                None => properties.push((key, value)),
            },
            _ => return None,
        }
    }
    Some(Value::object(Kind::Dense { elements, properties }))
}

fn from_hex(arguments: &[Value]) -> Option<Value> {
    let [Value::String(text)] = arguments else { return None };
    let digits = text.as_str().filter(|text| text.len() % 2 == 0 && text.is_ascii())?;
    let byte = |at: usize| {
        let pair = &digits[at..at + 2];
        // A sign is no digit.
        pair.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(pair, 16).ok())?
    };
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    whole(ViewKind::Uint8, bytes?).map(Value::object)
}

/// The buffer below a view.
fn buffer_of(value: Value) -> Option<Value> {
    let Value::Object(object) = value else { return None };
    match object.kind {
        Kind::View { buffer, .. } => Some(buffer),
        _ => None,
    }
}

/// A plain object with properties in the order of JavaScript: indices first, in their order.
pub fn plain(properties: Vec<(String, Value)>) -> Value {
    let mut indices: Vec<(u32, Value)> = Vec::new();
    let mut others: Vec<Property> = Vec::new();
    for (name, value) in properties {
        match array_index(&name) {
            Some(index) => indices.push((index, value)),
            None => others.push((Key::Text(name.as_str().into()), value)),
        }
    }
    indices.sort_by_key(|(index, _)| *index);
    let key = |index: u32| match Value::number(f64::from(index)) {
        Value::Int(index) => Key::Int(index),
        _ => Key::Double(f64::from(index)),
    };
    let all = indices.into_iter().map(|(index, value)| (key(index), value)).chain(others);
    Value::object(Kind::Plain(all.collect()))
}

/// The index that a property's name is, as in `"7"` but not `"07"`.
fn array_index(name: &str) -> Option<u32> {
    name.parse().ok().filter(|index: &u32| *index < u32::MAX && index.to_string() == name)
}

/// The integer that digits are: decimal, or with `0x`, `0o` or `0b`.
pub fn bigint(text: &str) -> Option<BigInt> {
    let text = text.trim().trim_end_matches('n').replace('_', "");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits.to_owned()),
        None => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = [("0x", 16), ("0o", 8), ("0b", 2)]
        .iter()
        .find_map(|(start, base)| lower.strip_prefix(start).map(|digits| (*base, digits)))
        .unwrap_or((10, &lower));
    if digits.is_empty() {
        return None;
    }
    let mut magnitude: Vec<u8> = Vec::new();
    for digit in digits.chars() {
        let mut carry = digit.to_digit(base)?;
        for byte in &mut magnitude {
            let sum = u32::from(*byte) * base + carry;
            *byte = (sum & 0xff) as u8;
            carry = sum >> 8;
        }
        if carry > 0 {
            magnitude.push(carry as u8);
        }
    }
    Some(BigInt::new(negative, magnitude))
}

/// The elements of an array; holes are `undefined`.
fn list(value: &Value) -> Option<Vec<Value>> {
    let Value::Object(object) = value else { return None };
    let Kind::Dense { elements, .. } = &object.kind else { return None };
    Some(elements.iter().map(|element| element.clone().unwrap_or(Value::Undefined)).collect())
}

fn pairs(value: &Value) -> Option<Vec<(Value, Value)>> {
    list(value)?
        .iter()
        .map(|pair| match list(pair)?.as_slice() {
            [key, value] => Some((key.clone(), value.clone())),
            _ => None,
        })
        .collect()
}

/// Later entries replace earlier ones with the same key, in their place. Objects are never the same.
fn unique(entries: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut kept: Vec<(Value, Value)> = Vec::new();
    let same = |a: &Value, b: &Value| match (a, b) {
        (Value::Object(_), _) => false,
        (Value::Double(a), Value::Double(b)) if a.is_nan() => b.is_nan(),
        _ => a == b,
    };
    for (key, value) in entries {
        match kept.iter_mut().find(|(known, _)| same(known, &key)) {
            Some(known) => known.1 = value,
            None => kept.push((key, value)),
        }
    }
    kept
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(f64::from(*number)),
        Value::Double(number) => Some(*number),
        _ => None,
    }
}

fn is_length(length: f64) -> bool {
    (0.0..=LENGTH_MAX).contains(&length) && length.fract() == 0.0
}

/// A view of `kind` from its elements, its length, or a buffer.
fn view(kind: ViewKind, arguments: &[Value]) -> Option<Kind> {
    if let [Value::Object(object), place @ ..] = arguments
        && let Kind::Buffer { bytes, .. } = &object.kind
    {
        return view_of(kind, &arguments[0], bytes.len(), place);
    }
    let mut bytes = Vec::new();
    match arguments {
        // It needs a buffer.
        _ if kind == ViewKind::DataView => return None,
        [] => {}
        [argument] => match number(argument) {
            Some(length) if is_length(length) => bytes.resize(length as usize * kind.element_bytes(), 0),
            Some(_) => return None,
            None => {
                for element in list(argument)? {
                    element_bytes(kind, &element, &mut bytes)?;
                }
            }
        },
        _ => return None,
    }
    whole(kind, bytes)
}

/// A view of all of `bytes`.
fn whole(kind: ViewKind, bytes: Vec<u8>) -> Option<Kind> {
    let length_bytes = u32::try_from(bytes.len()).ok()?;
    let part = ViewPart { kind, offset_bytes: 0, length_bytes, tracks_length: false, resizable: false };
    Some(Kind::View { buffer: Value::object(Kind::Buffer { bytes, length_max: None }), part })
}

/// A view of `buffer`, which has `size_bytes`, at `place`: the offset in bytes and the length in elements, or less.
fn view_of(kind: ViewKind, buffer: &Value, size_bytes: usize, place: &[Value]) -> Option<Kind> {
    let at = |index: usize| match place.get(index) {
        None => Some(None),
        Some(value) => number(value).filter(|number| is_length(*number)).map(|number| Some(number as usize)),
    };
    let element = kind.element_bytes();
    let offset = at(0)?.unwrap_or(0);
    let rest = size_bytes.checked_sub(offset).filter(|_| offset % element == 0 && place.len() <= 2)?;
    let length = match at(1)? {
        Some(length) => length * element,
        None => Some(rest).filter(|rest| rest % element == 0)?,
    };
    let part = ViewPart {
        kind,
        offset_bytes: u32::try_from(offset).ok()?,
        length_bytes: u32::try_from(length).ok().filter(|_| length <= rest)?,
        tracks_length: false,
        resizable: false,
    };
    Some(Kind::View { buffer: buffer.clone(), part })
}

fn element_bytes(kind: ViewKind, element: &Value, bytes: &mut Vec<u8>) -> Option<()> {
    if let Value::BigInt(number) = element {
        if !matches!(kind, ViewKind::BigInt64 | ViewKind::BigUint64) {
            return None;
        }
        let mut eight = [0; 8];
        for (to, from) in eight.iter_mut().zip(number.magnitude()) {
            *to = *from;
        }
        let value = u64::from_le_bytes(eight);
        let value = if number.is_negative() { value.wrapping_neg() } else { value };
        bytes.extend(value.to_le_bytes());
        return Some(());
    }
    let number = number(element)?;
    // As JavaScript converts: modulo the size, except where it clamps.
    let modulo = if number.is_finite() { number.trunc().rem_euclid(4_294_967_296.0) as u32 } else { 0 };
    match kind {
        ViewKind::Int8 | ViewKind::Uint8 => bytes.push(modulo as u8),
        ViewKind::Uint8Clamped => bytes.push(number.clamp(0.0, 255.0).round_ties_even() as u8),
        ViewKind::Int16 | ViewKind::Uint16 => bytes.extend((modulo as u16).to_le_bytes()),
        ViewKind::Int32 | ViewKind::Uint32 => bytes.extend(modulo.to_le_bytes()),
        ViewKind::Float32 => bytes.extend((number as f32).to_le_bytes()),
        ViewKind::Float64 => bytes.extend(number.to_le_bytes()),
        ViewKind::Float16 | ViewKind::BigInt64 | ViewKind::BigUint64 | ViewKind::DataView => return None,
    }
    Some(())
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
