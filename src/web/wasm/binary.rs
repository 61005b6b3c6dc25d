//! What the interpreter does not tell of a module, read from the binary format, and a module's bytes as the interpreter gets them.
//!
//! The interpreter runs a start function when it instantiates, where it cannot be interrupted, and it hides tables, memories and
//! globals that are not exported. So a module is given to it without its start section and with more exports, under names
//! that no module has.
//!
//! Invariant: the bytes were validated before, so what is missing or malformed here is of the interpreter's own making; it ends the
//! reading with `None`.

/// Begins the names of what is exported for the host alone.
const HIDDEN: &str = "\u{0}dodev:";

/// The export that is the start function.
pub(super) fn start_name() -> String {
    format!("{HIDDEN}start")
}

const IMPORT: u8 = 2;
const TABLE: u8 = 4;
const MEMORY: u8 = 5;
const GLOBAL: u8 = 6;
const EXPORT: u8 = 7;
const START: u8 = 8;

const HEADER_BYTES: usize = 8;
const EXTERNREF: u8 = 0x6f;

/// A module as the interpreter gets it.
pub(super) struct Rewritten {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How many functions it imports.
    pub imported_functions: u32,
    /// Its exports in their order, which the interpreter does not keep.
    pub exports: Vec<Exported>,
}

/// An export.
pub(super) struct Exported {
    pub name: String,
    kind: u8,
    index: u32,
}

impl Exported {
    /// What JavaScript calls its kind.
    pub(super) fn kind(&self) -> &'static str {
        match self.kind {
            0 => "function",
            1 => "table",
            2 => "memory",
            _ => "global",
        }
    }

    /// The index of a function among those of its module; nothing for other exports.
    pub(super) fn function(&self) -> Option<u32> {
        (self.kind == 0).then_some(self.index)
    }
}

/// Reads from the front of its bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// An integer in LEB128, signed or not; its low 64 bits, without sign.
    fn integer(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            if shift < 64 {
                value |= u64::from(byte & 0x7f) << shift;
            }
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
    }

    fn index(&mut self) -> Option<u32> {
        u32::try_from(self.integer()?).ok()
    }

    fn name(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.integer()?).ok()?;
        self.bytes(length)
    }

    fn limits(&mut self) -> Option<()> {
        let flags = self.byte()?;
        self.integer()?;
        if flags & 1 != 0 {
            self.integer()?;
        }
        if flags & 8 != 0 {
            self.integer()?;
        }
        Some(())
    }

    /// A type of one byte, as all are without typed references.
    fn table(&mut self) -> Option<u8> {
        let mut kind = self.byte()?;
        let has_value = kind == 0x40;
        if has_value {
            self.byte()?;
            kind = self.byte()?;
        }
        self.limits()?;
        if has_value {
            self.expression()?;
        }
        Some(kind)
    }

    /// A constant expression.
    fn expression(&mut self) -> Option<()> {
        loop {
            match self.byte()? {
                0x0b => return Some(()),
                0x41 | 0x42 | 0x23 | 0xd2 | 0xd0 => drop(self.integer()?),
                0x43 => drop(self.bytes(4)?),
                0x44 => drop(self.bytes(8)?),
                0xfd => {
                    self.integer()?;
                    self.bytes(16)?;
                }
                _ => {}
            }
        }
    }
}

fn write_integer(into: &mut Vec<u8>, mut value: usize) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        into.push(if value == 0 { byte } else { byte | 0x80 });
        if value == 0 {
            return;
        }
    }
}

fn write_export(into: &mut Vec<u8>, name: &str, kind: u8, index: u32) {
    write_integer(into, name.len());
    into.extend_from_slice(name.as_bytes());
    into.push(kind);
    write_integer(into, index as usize);
}

/// What the sections before the exports declare.
#[derive(Default)]
struct Declared {
    functions: u32,
    tables: u32,
    memories: u32,
    globals: u32,
    more: Vec<u8>,
    more_count: usize,
}

impl Declared {
    fn hide(&mut self, kind: u8, index: u32) {
        write_export(&mut self.more, &format!("{HIDDEN}{kind}:{index}"), kind, index);
        self.more_count += 1;
    }

    fn add_table(&mut self, kind: u8, is_own: bool) {
        if kind == EXTERNREF && is_own {
            self.hide(1, self.tables);
        }
        self.tables += 1;
    }

    fn add_memory(&mut self, is_own: bool) {
        if is_own {
            self.hide(2, self.memories);
        }
        self.memories += 1;
    }

    fn add_global(&mut self, kind: u8, is_own: bool) {
        if kind == EXTERNREF && is_own {
            self.hide(3, self.globals);
        }
        self.globals += 1;
    }

    fn read(&mut self, section: u8, mut body: Reader<'_>) -> Option<()> {
        for _ in 0..body.integer()? {
            match section {
                IMPORT => {
                    body.name()?;
                    body.name()?;
                    match body.byte()? {
                        0 => {
                            body.integer()?;
                            self.functions += 1;
                        }
                        1 => {
                            let kind = body.table()?;
                            self.add_table(kind, false);
                        }
                        2 => {
                            body.limits()?;
                            self.add_memory(false);
                        }
                        3 => {
                            let kind = body.byte()?;
                            body.byte()?;
                            self.add_global(kind, false);
                        }
                        _ => return None,
                    }
                }
                TABLE => {
                    let kind = body.table()?;
                    self.add_table(kind, true);
                }
                MEMORY => {
                    body.limits()?;
                    self.add_memory(true);
                }
                _ => {
                    let kind = body.byte()?;
                    body.byte()?;
                    body.expression()?;
                    self.add_global(kind, true);
                }
            }
        }
        Some(())
    }
}

/// The module `bytes`, which is valid, as the interpreter gets it.
pub(super) fn rewrite(bytes: &[u8]) -> Option<Rewritten> {
    let mut reader = Reader(bytes.get(HEADER_BYTES..)?);
    let mut declared = Declared::default();
    let mut exports: Option<&[u8]> = None;
    let mut start = None;
    let mut before = bytes[..HEADER_BYTES].to_vec();
    let mut after = Vec::new();
    while !reader.0.is_empty() {
        let whole = reader.0;
        let section = reader.byte()?;
        let length = usize::try_from(reader.integer()?).ok()?;
        let body = reader.bytes(length)?;
        match section {
            IMPORT | TABLE | MEMORY | GLOBAL => declared.read(section, Reader(body))?,
            EXPORT => exports = Some(body),
            START => start = Some(Reader(body).index()?),
            _ => {}
        }
        // Custom sections stand anywhere and nothing depends on where. 13 is that of tags, before the exports.
        let into = if matches!(section, 1..=6 | 13) { &mut before } else { &mut after };
        if !matches!(section, EXPORT | START) {
            into.extend_from_slice(&whole[..whole.len() - reader.0.len()]);
        }
    }
    if let Some(index) = start {
        write_export(&mut declared.more, &start_name(), 0, index);
        declared.more_count += 1;
    }
    let mut list = Vec::new();
    let mut all = Reader(exports.unwrap_or(&[0]));
    let count = usize::try_from(all.integer()?).ok()?;
    let written = all.0;
    for _ in 0..count {
        let name = String::from_utf8(all.name()?.to_vec()).ok()?;
        let (kind, index) = (all.byte()?, all.index()?);
        list.push(Exported { name, kind, index });
    }
    let mut body = Vec::new();
    write_integer(&mut body, count + declared.more_count);
    body.extend_from_slice(written);
    body.extend_from_slice(&declared.more);
    before.push(EXPORT);
    write_integer(&mut before, body.len());
    before.extend_from_slice(&body);
    before.extend_from_slice(&after);
    Some(Rewritten { bytes: before, imported_functions: declared.functions, exports: list })
}
