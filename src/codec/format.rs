//! The letters and numbers of V8's serialization: tags, kinds of views, flags of RegExps, classes of errors.
//!
//! Tables only; `wire.rs` gives them out again together with the writer and reader that use them.
//!
//! Fidelity: recorded from workerd and Node, see `wire.rs` and `samples.rs`.

/// First byte of a header; the version follows.
pub const HEADER: u8 = 0xff;
/// The version we write.
pub const VERSION: u32 = 15;
/// The oldest version we read. Values without a header are of this version.
pub const VERSION_OLDEST: u32 = 13;
/// Integers outside of this range are written as doubles.
pub const SMALL_INT: std::ops::RangeInclusive<i32> = -(1 << 30)..=(1 << 30) - 1;

/// One byte in front of each value.
pub mod tag {
    pub const PADDING: u8 = 0;
    pub const UNDEFINED: u8 = b'_';
    pub const NULL: u8 = b'0';
    pub const TRUE: u8 = b'T';
    pub const FALSE: u8 = b'F';
    pub const INT32: u8 = b'I';
    pub const UINT32: u8 = b'U';
    pub const DOUBLE: u8 = b'N';
    pub const BIGINT: u8 = b'Z';
    pub const UTF8: u8 = b'S';
    pub const ONE_BYTE: u8 = b'"';
    pub const TWO_BYTE: u8 = b'c';
    pub const REFERENCE: u8 = b'^';
    pub const OBJECT: u8 = b'o';
    pub const OBJECT_END: u8 = b'{';
    pub const SPARSE: u8 = b'a';
    pub const SPARSE_END: u8 = b'@';
    pub const DENSE: u8 = b'A';
    pub const DENSE_END: u8 = b'$';
    pub const HOLE: u8 = b'-';
    pub const DATE: u8 = b'D';
    pub const BOXED_TRUE: u8 = b'y';
    pub const BOXED_FALSE: u8 = b'x';
    pub const BOXED_NUMBER: u8 = b'n';
    pub const BOXED_BIGINT: u8 = b'z';
    pub const BOXED_STRING: u8 = b's';
    pub const REGEXP: u8 = b'R';
    pub const MAP: u8 = b';';
    pub const MAP_END: u8 = b':';
    pub const SET: u8 = b'\'';
    pub const SET_END: u8 = b',';
    pub const BUFFER: u8 = b'B';
    pub const RESIZABLE: u8 = b'~';
    pub const VIEW: u8 = b'V';
    pub const ERROR: u8 = b'r';
    pub const HOST: u8 = b'\\';
    pub const VERIFY_COUNT: u8 = b'?';
}

/// Letters inside of an error written in V8's own form (tag `r`).
pub mod error_part {
    pub const MESSAGE: u8 = b'm';
    pub const CAUSE: u8 = b'c';
    pub const STACK: u8 = b's';
    pub const END: u8 = b'.';
    /// Which class, by name; a plain Error writes none.
    pub const PROTOTYPES: [(u8, &str); 6] = [
        (b'E', "EvalError"),
        (b'R', "RangeError"),
        (b'F', "ReferenceError"),
        (b'S', "SyntaxError"),
        (b'T', "TypeError"),
        (b'U', "URIError"),
    ];
}

/// Host object that stands for an error with all its own properties.
///
/// Fidelity: `SerializationTag.nativeError` of workerd's `worker-interface.capnp`; used since the compatibility date
/// 2026-04-21 (`enhanced_error_serialization`).
pub const HOST_ERROR: u32 = 10;

/// Names of the error classes by their number inside of a host error. Number 0 means another name, which follows.
///
/// Fidelity: `ErrorTag` in workerd's `src/workerd/jsg/ser.c++`.
pub const HOST_ERROR_NAMES: [&str; 14] = [
    "",
    "Error",
    "TypeError",
    "RangeError",
    "ReferenceError",
    "SyntaxError",
    "WasmCompileError",
    "WasmLinkError",
    "WasmRuntimeError",
    "WasmSuspendError",
    "EvalError",
    "URIError",
    "AggregateError",
    "SuppressedError",
];

/// What an `ArrayBufferView` is: its letter, the name of its class and the size of its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    Int8,
    Uint8,
    Uint8Clamped,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Float16,
    Float32,
    Float64,
    BigInt64,
    BigUint64,
    DataView,
}

impl ViewKind {
    const TABLE: [(ViewKind, u8, &'static str, usize); 13] = [
        (ViewKind::Int8, b'b', "Int8Array", 1),
        (ViewKind::Uint8, b'B', "Uint8Array", 1),
        (ViewKind::Uint8Clamped, b'C', "Uint8ClampedArray", 1),
        (ViewKind::Int16, b'w', "Int16Array", 2),
        (ViewKind::Uint16, b'W', "Uint16Array", 2),
        (ViewKind::Int32, b'd', "Int32Array", 4),
        (ViewKind::Uint32, b'D', "Uint32Array", 4),
        (ViewKind::Float16, b'h', "Float16Array", 2),
        (ViewKind::Float32, b'f', "Float32Array", 4),
        (ViewKind::Float64, b'F', "Float64Array", 8),
        (ViewKind::BigInt64, b'q', "BigInt64Array", 8),
        (ViewKind::BigUint64, b'Q', "BigUint64Array", 8),
        (ViewKind::DataView, b'?', "DataView", 1),
    ];

    /// Every kind, in the order of the declaration.
    pub fn all() -> impl Iterator<Item = ViewKind> {
        Self::TABLE.into_iter().map(|row| row.0)
    }

    /// The kind that `letter` stands for.
    pub fn from_letter(letter: u32) -> Option<Self> {
        Self::TABLE.iter().find(|row| u32::from(row.1) == letter).map(|row| row.0)
    }

    /// The letter on the wire.
    pub fn letter(self) -> u8 {
        Self::TABLE[self as usize].1
    }

    /// The name of the JavaScript class.
    pub fn class_name(self) -> &'static str {
        Self::TABLE[self as usize].2
    }

    /// Size of one element, bytes. A DataView counts bytes.
    pub fn element_bytes(self) -> usize {
        Self::TABLE[self as usize].3
    }
}

/// The place of a view in its buffer, as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewPart {
    pub kind: ViewKind,
    pub offset_bytes: u32,
    /// 0 for a view that follows the length of its buffer.
    pub length_bytes: u32,
    /// The view's length follows its (resizable) buffer's.
    pub tracks_length: bool,
    /// The buffer is resizable.
    pub resizable: bool,
}

impl ViewPart {
    /// Whether the view lies inside of a buffer of `buffer_bytes` and is aligned.
    pub fn fits(&self, buffer_bytes: usize) -> bool {
        let (offset, length) = (self.offset_bytes as usize, self.length_bytes as usize);
        let element = self.kind.element_bytes();
        offset <= buffer_bytes
            && length <= buffer_bytes - offset
            && offset.is_multiple_of(element)
            && length.is_multiple_of(element)
            && (!self.tracks_length || self.resizable)
    }
}

/// The letters of a RegExp's flags with their bits on the wire, in the order in which `flags` shows them.
pub const REGEXP_FLAGS: [(char, u32); 8] =
    [('d', 128), ('g', 1), ('i', 2), ('m', 4), ('s', 32), ('u', 16), ('v', 256), ('y', 8)];

/// The bits of the flags in `text`; unknown letters are ignored.
pub fn regexp_bits(text: &str) -> u32 {
    REGEXP_FLAGS.iter().filter(|(letter, _)| text.contains(*letter)).map(|(_, bit)| bit).sum()
}

/// The flags' letters. `None` if a bit has no meaning.
pub fn regexp_letters(bits: u32) -> Option<String> {
    let known: u32 = REGEXP_FLAGS.iter().map(|(_, bit)| bit).sum();
    if bits & !known != 0 {
        return None;
    }
    Some(REGEXP_FLAGS.iter().filter(|(_, bit)| bits & bit != 0).map(|(letter, _)| letter).collect())
}
