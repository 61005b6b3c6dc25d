//! Where a match may be: an automaton that reads each unit of a text once.
//!
//! Its states are sets of places in a [`Program`], those that a match which began earlier may have come to. While the set is
//! empty no match is under way; so between the last time that it was empty and the first time that a match may be complete
//! lie all places where the first match can begin. The pattern itself is then tried there and nowhere else.

use rustc_hash::{FxHashMap, FxHashSet};

use super::program::{Node, Program, Set, UNITS, WIDE};

/// Most cells of a table.
const CELLS_MAX: usize = 16 * 1024;

/// Most classes of units.
const CLASSES_MAX: u8 = 128;

/// The states with these numbers: a match may be complete; no match is under way.
const COMPLETE: u16 = 0;
const IDLE: u16 = 1;

/// One character of a text, or half of one.
pub(super) trait Unit: Copy {
    /// Its place among [`UNITS`].
    fn place(self) -> usize;
}

impl Unit for u8 {
    #[inline(always)]
    fn place(self) -> usize {
        self.into()
    }
}

impl Unit for u16 {
    #[inline(always)]
    fn place(self) -> usize {
        usize::from(self).min(WIDE)
    }
}

/// Places of a text where the next match may begin.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) struct Window {
    pub(super) start: usize,
    /// Exclusive. Places before it are done with afterwards.
    pub(super) end: usize,
}

/// The automaton of one pattern.
pub(super) struct Filter {
    /// For each state, the state after each class of units, both as places of their rows.
    table: Vec<u16>,
    /// Cells of a row.
    width: usize,
    classes: [u8; UNITS],
    /// The units that a match can begin with.
    first: [bool; UNITS],
    /// Whether a match may begin with the text.
    pub(super) tries_start: bool,
    /// Whether a match may end with the text and not be complete elsewhere.
    tries_end: bool,
}

impl Filter {
    /// `None` for a program that can match nothing at all, that has instructions unknown here, or that has too many states.
    pub(super) fn of(program: &Program<'_>) -> Option<Self> {
        let mut graph = Graph { program, sets: FxHashMap::default(), tries_start: false, tries_end: false };
        let first = graph.closure([program.first()])?;
        if first.is_complete {
            return None;
        }
        graph.learn(first.places.clone())?;
        let (classes, samples) = graph.classes()?;
        // Each state without what may begin anew, which is in all of them.
        let mut states: Vec<Vec<usize>> = vec![Vec::new(), Vec::new()];
        let mut known = FxHashMap::from_iter([(Vec::new(), IDLE)]);
        let mut table = vec![COMPLETE; samples.len()];
        let mut next = usize::from(IDLE);
        while next < states.len() {
            for unit in &samples {
                let under_way = states[next].iter().chain(&first.places);
                let targets: Vec<usize> = under_way
                    .filter_map(|place| {
                        graph.sets.get(place).filter(|(set, _)| set.has(*unit)).map(|(_, to)| *to)
                    })
                    .collect();
                let after = graph.closure(targets)?;
                table.push(if after.is_complete {
                    COMPLETE
                } else {
                    *known.entry(after.places).or_insert_with_key(|places| {
                        states.push(places.clone());
                        (states.len() - 1) as u16
                    })
                });
            }
            if table.len() > CELLS_MAX {
                return None;
            }
            next += 1;
        }
        let width = samples.len();
        table.iter_mut().for_each(|state| *state *= width as u16);
        let first =
            std::array::from_fn(|unit| first.places.iter().any(|place| graph.sets[place].0.has(unit)));
        let Graph { tries_start, tries_end, .. } = graph;
        Some(Self { table, width, classes, first, tries_start, tries_end })
    }

    /// Whether a match can begin with `unit`, if it is not empty.
    #[inline(always)]
    pub(super) fn begins<U: Unit>(&self, unit: U) -> bool {
        self.first[unit.place()]
    }

    /// Where the first match in `text` that begins at `from` or later may begin.
    pub(super) fn next<U: Unit>(&self, text: &[U], from: usize) -> Option<Window> {
        let idle = self.width * usize::from(IDLE);
        let mut at = from;
        loop {
            let Some(skipped) = text.get(at..)?.iter().position(|unit| self.begins(*unit)) else {
                return self.tries_end.then_some(Window { start: text.len(), end: text.len() + 1 });
            };
            let start = at + skipped;
            let mut state = idle;
            at = start;
            loop {
                let Some(unit) = text.get(at) else {
                    return self.tries_end.then_some(Window { start, end: text.len() + 1 });
                };
                at += 1;
                state = self.table[state + usize::from(self.classes[unit.place()])].into();
                if state <= idle {
                    break;
                }
            }
            if state == usize::from(COMPLETE) {
                return Some(Window { start, end: at });
            }
            if at == text.len() {
                // The last unit may have ended a match that is one only here.
                return self.tries_end.then_some(Window { start, end: at + 1 });
            }
        }
    }
}

/// The places that take a unit and can be reached without one.
struct Closure {
    /// In order, each once.
    places: Vec<usize>,
    is_complete: bool,
}

/// What is known of a program so far.
struct Graph<'a> {
    program: &'a Program<'a>,
    /// What each place takes, and the place behind it.
    sets: FxHashMap<usize, (Set, usize)>,
    tries_start: bool,
    tries_end: bool,
}

impl Graph<'_> {
    fn closure(&mut self, from: impl IntoIterator<Item = usize>) -> Option<Closure> {
        let mut waiting: Vec<usize> = from.into_iter().collect();
        let mut seen = FxHashSet::default();
        let mut closure = Closure { places: Vec::new(), is_complete: false };
        while let Some(place) = waiting.pop() {
            if !seen.insert(place) {
                continue;
            }
            match self.program.node(place)? {
                Node::Unit(set, to) => {
                    self.sets.insert(place, (set, to));
                    closure.places.push(place);
                }
                Node::Anything(to) => {
                    self.sets.insert(place, (Set::ALL, place));
                    closure.places.push(place);
                    waiting.push(to);
                }
                Node::Then(to) => waiting.push(to),
                Node::Either(one, other) => waiting.extend([one, other]),
                Node::Match => closure.is_complete = true,
                Node::TextStart => self.tries_start = true,
                Node::TextEnd => self.tries_end = true,
            }
        }
        closure.places.sort_unstable();
        Some(closure)
    }

    /// Looks at all that can be reached from `places`.
    fn learn(&mut self, places: Vec<usize>) -> Option<()> {
        let mut waiting = places;
        let mut seen = FxHashSet::default();
        while let Some(place) = waiting.pop() {
            if seen.insert(place) {
                let to = self.sets.get(&place)?.1;
                waiting.extend(self.closure([to])?.places);
            }
        }
        Some(())
    }

    /// A number for each unit, the same for units that no place tells apart, and a unit for each number.
    fn classes(&self) -> Option<([u8; UNITS], Vec<usize>)> {
        let mut numbers: FxHashMap<Vec<bool>, u8> = FxHashMap::default();
        let sets: Vec<&Set> = self.sets.values().map(|(set, _)| set).collect();
        let (mut classes, mut samples) = ([0; UNITS], Vec::new());
        for (unit, class) in classes.iter_mut().enumerate() {
            let signature = sets.iter().map(|set| set.has(unit)).collect();
            let next = u8::try_from(samples.len()).ok().filter(|next| *next < CLASSES_MAX)?;
            *class = *numbers.entry(signature).or_insert_with(|| {
                samples.push(unit);
                next
            });
        }
        Some((classes, samples))
    }
}
