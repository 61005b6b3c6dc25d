//! Where in the user's code a timer was set or an operation was started, for developers who ask what keeps an object awake.
//!
//! A stack is walked and mapped for each, which costs more than most operations. So it is done only from
//! the moment on when somebody watches or has asked; what began before has no place.

use std::cell::{Cell, RefCell};

use rquickjs::Ctx;

/// Gives the place of the running code: `path:line:column` in the user's files.
type Find = Box<dyn for<'js> Fn(&Ctx<'js>) -> Option<Box<str>>>;

/// Finds places, while they are wanted.
#[derive(Default)]
pub struct Places {
    wanted: Cell<bool>,
    find: RefCell<Option<Find>>,
}

impl Places {
    /// Whether anybody may ask from now on.
    pub fn want(&self, wanted: bool) {
        self.wanted.set(wanted);
    }

    /// Sets what finds the place of the running code.
    pub fn set_find(&self, find: impl for<'js> Fn(&Ctx<'js>) -> Option<Box<str>> + 'static) {
        *self.find.borrow_mut() = Some(Box::new(find));
    }

    /// The place of the running code, if it is wanted and code of the user runs.
    pub fn here(&self, ctx: &Ctx<'_>) -> Option<Box<str>> {
        if !self.wanted.get() {
            return None;
        }
        self.find.borrow().as_ref()?(ctx)
    }

    pub(super) fn clear(&self) {
        *self.find.borrow_mut() = None;
    }
}

/// The place that the first frame of a mapped stack names.
pub fn first_of(stack: &str) -> Option<Box<str>> {
    let frame = stack.lines().find(|line| line.trim_start().starts_with("at "))?;
    let place = frame.trim().trim_start_matches("at ");
    let place = place.rsplit_once('(').map_or(place, |(_, inner)| inner.trim_end_matches(')'));
    let is_place = place.rsplitn(3, ':').take(2).all(|number| number.parse::<u32>().is_ok());
    is_place.then(|| place.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_says_where() {
        for (stack, expected) in [
            ("    at f (src/a.ts:1:52)\n    at g (src/b.ts:2:3)\n", Some("src/a.ts:1:52")),
            ("    at src/a.ts:3:4\n", Some("src/a.ts:3:4")),
            ("    at f (native)\n", None),
            ("", None),
        ] {
            assert_eq!(first_of(stack).as_deref(), expected, "{stack}");
        }
    }
}
