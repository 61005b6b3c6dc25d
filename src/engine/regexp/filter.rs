//! Where a match may be: an automaton that reads each unit of a text once.
//!
//! Its states are sets of places in a [`Program`], those that a match which began earlier may have come to. While the set is
//! empty no match is under way; so between the last time that it was empty and the first time that a match may be complete
//! lie all places where the first match can begin. The pattern itself is then tried there and nowhere else.
//!
//! Where each match has a certain unit, texts are first searched for that, and the automaton starts as far before it as a
//! match may reach.

use rustc_hash::{FxHashMap, FxHashSet};

use super::program::{Node, Program, Set, UNITS, WIDE};

/// Most cells of a table.
const CELLS_MAX: usize = 16 * 1024;

/// Most units that are looked at whether each match has them.
const CANDIDATES: usize = 8;

/// Most classes of units.
const CLASSES_MAX: u8 = 128;

/// The states with these numbers: a match may be complete; no match is under way.
const COMPLETE: u16 = 0;
const IDLE: u16 = 1;

/// One character of a text, or half of one.
pub(super) trait Unit: Copy {
    /// Its place among [`UNITS`].
    fn place(self) -> usize;

    /// Where `unit` first stands in `text`.
    fn find(text: &[Self], unit: u8) -> Option<usize>;
}

impl Unit for u8 {
    #[inline(always)]
    fn place(self) -> usize {
        self.into()
    }

    #[inline(always)]
    fn find(text: &[Self], unit: u8) -> Option<usize> {
        memchr::memchr(unit, text)
    }
}

impl Unit for u16 {
    #[inline(always)]
    fn place(self) -> usize {
        usize::from(self).min(WIDE)
    }

    #[inline(always)]
    fn find(text: &[Self], unit: u8) -> Option<usize> {
        text.iter().position(|found| *found == u16::from(unit))
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
    required: Option<Required>,
}

/// A unit that each match has, which is found faster than the automaton runs.
struct Required {
    unit: u8,
    /// The units that may stand in a match before the first such unit.
    before: [bool; UNITS],
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
        let mut filter = Self { table, width, classes, first, tries_start, tries_end, required: None };
        if !tries_end {
            let unit = filter.required(&samples);
            filter.required = unit.map(|unit| Required { unit, before: graph.before(unit) });
        }
        Some(filter)
    }

    /// The unit without which no match is complete; the most promising if there are several.
    fn required(&self, samples: &[usize]) -> Option<u8> {
        let is_alone =
            |class: usize| self.classes.iter().filter(|found| usize::from(**found) == class).count() == 1;
        let mut candidates: Vec<(usize, u8)> = samples
            .iter()
            .enumerate()
            .filter_map(|(class, unit)| Some((class, u8::try_from(*unit).ok()?)))
            .filter(|(class, unit)| commonness(*unit).is_some() && is_alone(*class))
            .collect();
        candidates.sort_by_key(|(_, unit)| commonness(*unit));
        let mut candidates = candidates.into_iter().take(CANDIDATES);
        candidates.find(|(class, _)| !self.completes_without(*class)).map(|(_, unit)| unit)
    }

    /// Whether a match may be complete without a unit of `class`.
    fn completes_without(&self, class: usize) -> bool {
        let mut seen = vec![false; self.table.len() / self.width];
        let mut waiting = vec![usize::from(IDLE) * self.width];
        while let Some(state) = waiting.pop() {
            if state == usize::from(COMPLETE) {
                return true;
            }
            if !std::mem::replace(&mut seen[state / self.width], true) {
                let cells = self.table[state..state + self.width].iter().enumerate();
                waiting.extend(cells.filter(|(other, _)| *other != class).map(|(_, to)| usize::from(*to)));
            }
        }
        false
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
        // Up to where the required unit was looked for.
        let mut looked = from;
        loop {
            if let Some(required) = &self.required
                && at >= looked
            {
                let found = at + U::find(text.get(at..)?, required.unit)?;
                looked = found + 1;
                let before = text[at..found].iter().rev();
                at = found - before.take_while(|unit| required.before[unit.place()]).count();
            }
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

/// How common a unit is in texts; `None` for those that stand everywhere.
fn commonness(unit: u8) -> Option<u8> {
    match unit {
        b' ' | b'\n' => None,
        b'a'..=b'z' => Some(2),
        b'0'..=b'9' | b'A'..=b'Z' => Some(1),
        _ => Some(0),
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

    /// The units that a match may have before the first `unit`, when all that can be reached was looked at.
    fn before(&mut self, unit: u8) -> [bool; UNITS] {
        let mut before = [false; UNITS];
        let mut waiting = self.closure([self.program.first()]).map_or_else(Vec::new, |first| first.places);
        let mut seen = FxHashSet::default();
        while let Some(place) = waiting.pop() {
            if !seen.insert(place) {
                continue;
            }
            let (set, to) = self.sets[&place];
            let mut leads_on = false;
            for (other, before) in
                before.iter_mut().enumerate().filter(|(other, _)| *other != usize::from(unit))
            {
                *before |= set.has(other);
                leads_on |= set.has(other);
            }
            if leads_on {
                waiting.extend(self.closure([to]).map_or_else(Vec::new, |next| next.places));
            }
        }
        before
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
