//! A serialized value as a tree, for tools that show and change what is stored.
//!
//! Objects carry an id, so that cycles and shared objects are references and the tree stays a tree; ids mean nothing
//! but equality, and the writer gives out the numbers of the wire. Whether a number was an integer or a double on the
//! wire is kept: reading and writing gives the same bytes. The running program does not use it (`engine/clone`).

use super::platform::Platform;
use super::wire::ViewPart;

/// Which object a reference means, within one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u32);

/// The id of objects that nothing refers to.
pub const UNSHARED: Id = Id(u32::MAX);

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Undefined,
    Null,
    Bool(bool),
    /// A number in the form of an integer.
    Int(i32),
    /// A number in the form of a double.
    Double(f64),
    BigInt(BigInt),
    String(Text),
    /// The object with this id, which comes before in the order of writing or contains this.
    Reference(Id),
    Object(Box<Object>),
}

/// An object with its identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    pub id: Id,
    pub kind: Kind,
}

/// A property's name.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    Text(Text),
    Int(i32),
    Double(f64),
}

/// A property.
pub type Property = (Key, Value);

/// What an object is, with its contents.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A plain object.
    Plain(Vec<Property>),
    /// An array; `None` is a hole. `properties` are those without an index.
    Dense {
        elements: Vec<Option<Value>>,
        properties: Vec<Property>,
    },
    /// An array that has holes; `properties` are its elements too.
    Sparse {
        length: u32,
        properties: Vec<Property>,
    },
    /// Milliseconds since 1970.
    Date(f64),
    /// `Object(true)` and the like.
    BoxedBool(bool),
    BoxedNumber(f64),
    BoxedBigInt(BigInt),
    BoxedString(Text),
    /// Flags as bits of the wire.
    RegExp {
        source: Text,
        flags: u32,
    },
    Map(Vec<(Value, Value)>),
    Set(Vec<Value>),
    /// `length_max` for a resizable one.
    Buffer {
        bytes: Vec<u8>,
        length_max: Option<u32>,
    },
    /// `buffer` is a `Buffer`, or a reference to one.
    View {
        buffer: Value,
        part: ViewPart,
    },
    /// An error in V8's form. `parts` in the order of the wire.
    NativeError {
        class: &'static str,
        parts: Vec<ErrorPart>,
    },
    /// An error in the platform's form: number of its class, or 0 and its name; `properties` is a plain object.
    HostError {
        class: u32,
        name: Option<Value>,
        message: Value,
        properties: Value,
    },
    /// A DOMException.
    DomException {
        name: String,
        message: String,
        stack: String,
    },
    /// An object of another class of the platform.
    Platform(Platform),
}

/// A part of an error in V8's form.
#[derive(Debug, Clone, PartialEq)]
pub enum ErrorPart {
    Message(Text),
    Stack(Text),
    Cause(Value),
}

impl Value {
    /// An object that nothing refers to.
    pub fn object(kind: Kind) -> Self {
        Value::Object(Box::new(Object { id: UNSHARED, kind }))
    }

    /// A number, in the form in which V8 has it.
    pub fn number(number: f64) -> Self {
        let int = number as i32;
        let fits = super::wire::SMALL_INT.contains(&int) && f64::from(int) == number;
        if fits && (int != 0 || number.is_sign_positive()) { Value::Int(int) } else { Value::Double(number) }
    }

    /// A string.
    pub fn text(text: &str) -> Self {
        Value::String(text.into())
    }
}

/// Text as JavaScript has it: UTF-16 that need not be well-formed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Text(Form);

/// Invariant: `Utf16` only for what UTF-8 cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Form {
    Utf8(String),
    Utf16(Vec<u16>),
}

impl Text {
    /// The text of these units.
    pub fn from_utf16(units: Vec<u16>) -> Self {
        Self(String::from_utf16(&units).map_or(Form::Utf16(units), Form::Utf8))
    }

    /// The text, if it is well-formed.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Form::Utf8(text) => Some(text),
            Form::Utf16(_) => None,
        }
    }

    /// Its units.
    pub fn to_utf16(&self) -> Vec<u16> {
        match &self.0 {
            Form::Utf8(text) => text.encode_utf16().collect(),
            Form::Utf16(units) => units.clone(),
        }
    }

    /// The text with U+FFFD for lone surrogates.
    pub fn to_lossy(&self) -> std::borrow::Cow<'_, str> {
        match &self.0 {
            Form::Utf8(text) => text.into(),
            Form::Utf16(units) => String::from_utf16_lossy(units).into(),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Form::Utf8(text.into()))
    }
}

/// An integer of any size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BigInt {
    negative: bool,
    /// Little-endian, without zeros at its end.
    magnitude: Vec<u8>,
}

impl BigInt {
    /// From a sign and a little-endian magnitude.
    pub fn new(negative: bool, mut magnitude: Vec<u8>) -> Self {
        magnitude.truncate(magnitude.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        Self { negative: negative && !magnitude.is_empty(), magnitude }
    }

    /// Below zero?
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The little-endian magnitude without zeros at its end.
    pub fn magnitude(&self) -> &[u8] {
        &self.magnitude
    }
}

impl From<i64> for BigInt {
    fn from(number: i64) -> Self {
        Self::new(number < 0, number.unsigned_abs().to_le_bytes().to_vec())
    }
}

/// Longest magnitude that is shown in decimal digits, bytes: turning one into digits takes time by its square.
const DECIMAL_MAX_BYTES: usize = 1024;

impl std::fmt::Display for BigInt {
    /// In decimal; enormous ones in hexadecimal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        if self.magnitude.len() > DECIMAL_MAX_BYTES {
            f.write_str("0x")?;
            return self.magnitude.iter().rev().try_for_each(|byte| write!(f, "{byte:02x}"));
        }
        // Nine digits a limb, lowest first.
        const LIMB: u64 = 1_000_000_000;
        let mut limbs = vec![0u64];
        for byte in self.magnitude.iter().rev() {
            let mut carry = u64::from(*byte);
            for limb in &mut limbs {
                let sum = *limb * 256 + carry;
                (*limb, carry) = (sum % LIMB, sum / LIMB);
            }
            if carry > 0 {
                limbs.push(carry);
            }
        }
        let mut limbs = limbs.iter().rev();
        write!(f, "{}", limbs.next().expect("there is one limb at least"))?;
        limbs.try_for_each(|limb| write!(f, "{limb:09}"))
    }
}
