//! A compiled regular expression, read as a graph of what may come next.
//!
//! The engine compiles a pattern to instructions for a backtracking machine. Here they are read so that the graph takes *at
//! least* what the pattern matches: conditions that look around (`\b`, `(?=…)`, a back reference, a count) always hold. Who finds
//! nothing in the graph finds nothing with the pattern; the reverse need not be so.

/// What is read of the engine's instructions, by their numbers (`libregexp-opcode.h`). A test holds them.
mod op {
    pub const CHAR: u8 = 1;
    pub const CHAR_I: u8 = 2;
    pub const CHAR32: u8 = 3;
    pub const CHAR32_I: u8 = 4;
    pub const DOT: u8 = 5;
    pub const ANY: u8 = 6;
    pub const SPACE: u8 = 7;
    pub const NOT_SPACE: u8 = 8;
    pub const LINE_START: u8 = 9;
    pub const LINE_START_M: u8 = 10;
    pub const LINE_END: u8 = 11;
    pub const LINE_END_M: u8 = 12;
    pub const GOTO: u8 = 13;
    pub const SPLIT_GOTO_FIRST: u8 = 14;
    pub const SPLIT_NEXT_FIRST: u8 = 15;
    pub const MATCH: u8 = 16;
    pub const SAVE_START: u8 = 19;
    pub const SAVE_END: u8 = 20;
    pub const SAVE_RESET: u8 = 21;
    pub const LOOP: u8 = 22;
    pub const LOOP_SPLIT_GOTO_FIRST: u8 = 23;
    pub const LOOP_CHECK_ADV_SPLIT_NEXT_FIRST: u8 = 26;
    pub const SET_I32: u8 = 27;
    pub const WORD_BOUNDARY: u8 = 28;
    pub const NOT_WORD_BOUNDARY_I: u8 = 31;
    pub const BACK_REFERENCE: u8 = 32;
    pub const BACK_REFERENCE_I: u8 = 33;
    pub const RANGE: u8 = 36;
    pub const RANGE_I: u8 = 37;
    pub const RANGE32: u8 = 38;
    pub const RANGE32_I: u8 = 39;
    pub const LOOKAHEAD: u8 = 40;
    pub const NEGATIVE_LOOKAHEAD: u8 = 41;
    pub const SET_CHAR_POS: u8 = 42;
    pub const CHECK_ADVANCE: u8 = 43;
}

/// Bytes before the instructions: flags (2), groups (1), registers (1), length of the instructions (4).
pub(super) const HEADER: usize = 8;

const FLAG_STICKY: u16 = 1 << 5;
const FLAGS_UNICODE: u16 = 1 << 4 | 1 << 8;

/// How a search over all positions begins: try here, or go on by one character. [`Program::anchored`] goes straight on.
const SEARCH: [u8; 11] = [op::SPLIT_GOTO_FIRST, 6, 0, 0, 0, op::ANY, op::GOTO, 0xF5, 0xFF, 0xFF, 0xFF];

/// Longest bytecode that is looked at, bytes.
pub(super) const CODE_BYTES_MAX: usize = 8 * 1024;

/// How many units are told apart: those of Latin-1, and all others together.
pub(super) const UNITS: usize = 257;
/// The place of all units beyond Latin-1.
pub(super) const WIDE: usize = 256;

unsafe extern "C" {
    /// The engine's own folding of case (`libunicode.h`).
    fn lre_canonicalize(character: u32, is_unicode: bool) -> std::ffi::c_int;
}

/// A set of units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Set([u64; UNITS.div_ceil(64)]);

impl Set {
    /// All units.
    pub(super) const ALL: Self = Self([u64::MAX; UNITS.div_ceil(64)]);

    fn of(holds: impl Fn(u8) -> bool, holds_wide: bool) -> Self {
        let mut set = Self([0; UNITS.div_ceil(64)]);
        for unit in (0..=u8::MAX).filter(|unit| holds(*unit)).map(usize::from) {
            set.0[unit / 64] |= 1 << (unit % 64);
        }
        set.0[WIDE / 64] |= u64::from(holds_wide) << (WIDE % 64);
        set
    }

    pub(super) fn has(&self, unit: usize) -> bool {
        self.0[unit / 64] >> (unit % 64) & 1 == 1
    }
}

/// What an instruction may lead to. Places are offsets of instructions.
pub(super) enum Node {
    /// One unit of the set, then the place.
    Unit(Set, usize),
    /// Nothing, then the place.
    Then(usize),
    /// Nothing, then one of the places.
    Either(usize, usize),
    /// Any text, also none, then the place.
    Anything(usize),
    /// The end of a match.
    Match,
    /// Passes at the start of the text only.
    TextStart,
    /// Passes at the end of the text only.
    TextEnd,
}

/// The instructions of one pattern.
pub(super) struct Program<'a> {
    code: &'a [u8],
    is_unicode: bool,
}

impl<'a> Program<'a> {
    /// The program of the engine's `bytecode`; `None` where that does not search, or is too long.
    pub(super) fn read(bytecode: &'a [u8]) -> Option<Self> {
        let flags = u16::from_le_bytes(bytecode.get(..2)?.try_into().ok()?);
        let code = bytecode.get(HEADER..)?;
        let searches = flags & FLAG_STICKY == 0 && code.starts_with(&SEARCH);
        let is_unicode = flags & FLAGS_UNICODE != 0;
        (searches && bytecode.len() <= CODE_BYTES_MAX).then_some(Self { code, is_unicode })
    }

    /// Whether a character may be two units.
    pub(super) fn is_unicode(&self) -> bool {
        self.is_unicode
    }

    /// The same bytecode, but with a match only where the search begins.
    pub(super) fn anchored(bytecode: &[u8]) -> Vec<u8> {
        let mut bytecode = bytecode.to_vec();
        bytecode[HEADER] = op::GOTO;
        bytecode
    }

    /// The place of the first instruction behind the search.
    pub(super) fn first(&self) -> usize {
        SEARCH.len()
    }

    /// What stands at `place`; `None` for what is not known here.
    pub(super) fn node(&self, place: usize) -> Option<Node> {
        let opcode = *self.code.get(place)?;
        let operands = place + 1;
        let after = |bytes: usize| Some(Node::Then(operands + bytes));
        Some(match opcode {
            op::CHAR | op::CHAR_I => {
                Node::Unit(self.one(self.u16(operands)?.into(), opcode == op::CHAR_I), operands + 2)
            }
            op::CHAR32 | op::CHAR32_I => {
                Node::Unit(self.one(self.u32(operands)?, opcode == op::CHAR32_I), operands + 4)
            }
            op::DOT => Node::Unit(Set::of(|unit| !matches!(unit, b'\n' | b'\r'), true), operands),
            op::ANY => Node::Unit(Set::of(|_| true, true), operands),
            // Whatever might be taken for a space or not is in both.
            op::SPACE => {
                Node::Unit(Set::of(|unit| unit <= b' ' || matches!(unit, 0x85 | 0xA0), true), operands)
            }
            op::NOT_SPACE => {
                Node::Unit(Set::of(|unit| !matches!(unit, b'\t'..=b'\r' | b' '), true), operands)
            }
            op::RANGE | op::RANGE_I => {
                let count = usize::from(self.u16(operands)?);
                let at = |index: usize| Some(u32::from(self.u16(operands + 2 + index * 2)?));
                let set = self.ranges(count, at, opcode == op::RANGE_I)?;
                Node::Unit(set, operands + 2 + count * 4)
            }
            op::RANGE32 | op::RANGE32_I => {
                let count = usize::from(self.u16(operands)?);
                let at = |index: usize| self.u32(operands + 2 + index * 4);
                let set = self.ranges(count, at, opcode == op::RANGE32_I)?;
                Node::Unit(set, operands + 2 + count * 8)
            }
            op::LINE_START => Node::TextStart,
            op::LINE_END => Node::TextEnd,
            op::LINE_START_M | op::LINE_END_M | op::WORD_BOUNDARY..=op::NOT_WORD_BOUNDARY_I => {
                return after(0);
            }
            op::SAVE_START | op::SAVE_END | op::SET_CHAR_POS | op::CHECK_ADVANCE => return after(1),
            op::SAVE_RESET => return after(2),
            op::SET_I32 => return after(5),
            op::GOTO | op::LOOKAHEAD | op::NEGATIVE_LOOKAHEAD => Node::Then(self.target(operands)?),
            op::SPLIT_GOTO_FIRST | op::SPLIT_NEXT_FIRST => Node::Either(operands + 4, self.target(operands)?),
            op::LOOP => Node::Either(operands + 5, self.target(operands + 1)?),
            op::LOOP_SPLIT_GOTO_FIRST..=op::LOOP_CHECK_ADV_SPLIT_NEXT_FIRST => {
                Node::Either(operands + 9, self.target(operands + 5)?)
            }
            op::BACK_REFERENCE | op::BACK_REFERENCE_I => {
                Node::Anything(operands + 1 + usize::from(*self.code.get(operands)?))
            }
            op::MATCH => Node::Match,
            _ => return None,
        })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes(self.code.get(at..at + 2)?.try_into().ok()?))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(self.code.get(at..at + 4)?.try_into().ok()?))
    }

    /// Where the jump leads whose distance stands at `at`.
    fn target(&self, at: usize) -> Option<usize> {
        (at + 4).checked_add_signed(self.u32(at)?.cast_signed() as isize)
    }

    fn folded(&self, unit: u8) -> u32 {
        // SAFETY: a function of its arguments.
        unsafe { lre_canonicalize(unit.into(), self.is_unicode) }.cast_unsigned()
    }

    fn one(&self, character: u32, ignores_case: bool) -> Set {
        if ignores_case {
            Set::of(|unit| self.folded(unit) == character, true)
        } else {
            Set::of(|unit| u32::from(unit) == character, character > 0xFF)
        }
    }

    /// The set of `count` ranges, whose ends `at` gives one after the other.
    fn ranges(&self, count: usize, at: impl Fn(usize) -> Option<u32>, ignores_case: bool) -> Option<Set> {
        let ranges: Vec<(u32, u32)> =
            (0..count).map(|index| Some((at(2 * index)?, at(2 * index + 1)?))).collect::<Option<_>>()?;
        let holds = |character: u32| ranges.iter().any(|(low, high)| (*low..=*high).contains(&character));
        let holds_wide = ignores_case || ranges.iter().any(|(_, high)| *high > 0xFF);
        Some(if ignores_case {
            Set::of(|unit| holds(self.folded(unit)), holds_wide)
        } else {
            Set::of(|unit| holds(unit.into()), holds_wide)
        })
    }
}
