//! The promises that calls from the host returned and that are still pending.
//!
//! Instead of attaching callbacks, the host looks at a root's state after each turn of its owner.

use std::cell::{Cell, RefCell};

use rquickjs::promise::PromiseState;
use rquickjs::{Ctx, Persistent, Promise, Value, qjs};

use super::host::{OwnerId, RealmId};

/// Called with the value or the error when a root settles, within the turn that settled it.
pub type OnSettled = Box<dyn for<'js> FnOnce(&Ctx<'js>, Result<Value<'js>, Value<'js>>)>;

struct Root {
    owner: OwnerId,
    what: &'static str,
    promise: Persistent<Promise<'static>>,
    done: OnSettled,
}

/// Whose roots are looked at.
#[derive(Debug, Clone, Copy)]
pub enum Whose {
    /// Those of one owner.
    One(OwnerId),
    /// Those of all owners in a realm.
    AllIn(RealmId),
}

impl Whose {
    fn is(self, owner: OwnerId) -> bool {
        match self {
            Self::One(one) => owner == one,
            Self::AllIn(realm) => owner.realm() == realm,
        }
    }
}

/// The roots of one isolate.
#[derive(Default)]
pub struct Roots {
    list: RefCell<Vec<Root>>,
    doing: Cell<&'static str>,
}

/// Most roots that a sweep over all owners looks at.
const SWEEP_MAX: usize = 1_024;

impl Roots {
    /// Remembers a promise; how it ends is the host's business, so it is not reported as unhandled.
    pub fn add<'js>(&self, ctx: &Ctx<'js>, owner: OwnerId, promise: Promise<'js>, done: OnSettled) {
        // SAFETY: the context is entered on this thread and the value is a live promise of it.
        unsafe { qjs::JS_PromiseMarkAsHandled(ctx.as_raw().as_ptr(), promise.as_raw()) }
        let promise = Persistent::save(ctx, promise);
        self.list.borrow_mut().push(Root { owner, what: self.doing.get(), promise, done });
    }

    /// Hands out the settled roots of `whose`, in whose realm `ctx` is; says whether there were any.
    pub fn settle(&self, ctx: &Ctx<'_>, whose: Whose) -> bool {
        let mut any = false;
        loop {
            let settled = {
                let mut roots = self.list.borrow_mut();
                let position = roots
                    .iter()
                    .take(if matches!(whose, Whose::One(_)) { usize::MAX } else { SWEEP_MAX })
                    .position(|root| whose.is(root.owner) && is_settled(ctx, &root.promise));
                position.map(|index| roots.swap_remove(index))
            };
            let Some(root) = settled else { return any };
            any = true;
            let promise = root.promise.restore(ctx).expect("a root belongs to its isolate");
            (root.done)(ctx, outcome(ctx, &promise));
        }
    }

    /// Says to a developer what the promises are that are added from now on: the kind of the event that
    /// enters. Gives what was said before.
    pub fn doing(&self, what: &'static str) -> &'static str {
        self.doing.replace(what)
    }

    /// What of `owner` is still pending.
    pub fn of(&self, owner: OwnerId) -> Vec<&'static str> {
        self.list.borrow().iter().filter(|root| root.owner == owner).map(|root| root.what).collect()
    }

    /// Whether anything of `owner` is still pending.
    pub fn any_of(&self, owner: OwnerId) -> bool {
        self.list.borrow().iter().any(|root| root.owner == owner)
    }

    /// Gives up the roots of `owner`: each is told `error`, made once per root. Says whether there were any.
    pub fn fail_all_of<'js>(&self, ctx: &Ctx<'js>, owner: OwnerId, error: impl Fn() -> Value<'js>) -> bool {
        let mut any = false;
        loop {
            let root = {
                let mut roots = self.list.borrow_mut();
                let position = roots.iter().position(|root| root.owner == owner);
                position.map(|index| roots.swap_remove(index))
            };
            let Some(root) = root else { return any };
            any = true;
            (root.done)(ctx, Err(error()));
        }
    }

    pub(super) fn clear(&self) {
        let roots = std::mem::take(&mut *self.list.borrow_mut());
        drop(roots);
    }
}

fn is_settled(ctx: &Ctx<'_>, promise: &Persistent<Promise<'static>>) -> bool {
    let promise = promise.clone().restore(ctx).expect("a root belongs to its isolate");
    promise.state() != PromiseState::Pending
}

/// The value or the error of a settled promise.
pub fn outcome<'js>(ctx: &Ctx<'js>, promise: &Promise<'js>) -> Result<Value<'js>, Value<'js>> {
    match promise.result::<Value<'js>>() {
        Some(Ok(value)) => Ok(value),
        Some(Err(_)) => Err(ctx.catch()),
        None => Err(Value::new_undefined(ctx.clone())),
    }
}
