//! What operations of this folder share: finding the object that calls, and throwing what went wrong.

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::Ctx;

use crate::engine::OpError;
use crate::engine::budget::Budget;
use crate::engine::exception::throw;
use crate::objects::{Failure, Objects, Slot};
use crate::storage::{ObjectStore, SqlError, StorageError};

/// A store that one isolate's operations share.
pub type Store = Rc<RefCell<ObjectStore>>;

/// The store of the object in `slot`, for its own code.
///
/// # Errors
/// Throws when the object is not the one whose turn runs, or when it was reset.
pub fn store_of(ctx: &Ctx<'_>, objects: &Objects, slot: u32) -> rquickjs::Result<Store> {
    check_own(ctx, objects, slot, "ActorCacheInterface")?;
    let missing = || throw(ctx, &foreign(objects, "ActorCacheInterface"));
    objects.stores.get(Slot(slot)).ok_or_else(missing)
}

/// Goes on only in a turn of the object in `slot` itself, which is not broken; `kind` is what is used, in the
/// platform's words.
pub fn check_own(ctx: &Ctx<'_>, objects: &Objects, slot: u32, kind: &str) -> rquickjs::Result<()> {
    if objects.current_slot() != Some(Slot(slot)) {
        return Err(throw(ctx, &foreign(objects, kind)));
    }
    check_alive(ctx, objects)
}

/// Goes on only while the object whose turn runs is not broken; ends the turn otherwise.
pub fn check_alive(ctx: &Ctx<'_>, objects: &Objects) -> rquickjs::Result<()> {
    match objects.current_failure() {
        Some(_) => Err(end_turn(ctx)),
        None => Ok(()),
    }
}

/// The same for what makes a request or a call of another service: an event may make a limited number of them.
pub fn begin_subrequest(ctx: &Ctx<'_>, objects: &Objects) -> rquickjs::Result<()> {
    objects.host.require_event(ctx)?;
    check_alive(ctx, objects)?;
    objects.count_subrequest().map_err(|error| throw(ctx, &error))
}

/// The same for a call of another Worker or object: a chain of them has a limited depth.
pub fn begin_call(ctx: &Ctx<'_>, objects: &Objects) -> rquickjs::Result<()> {
    begin_subrequest(ctx, objects)?;
    objects.check_depth().map_err(|error| throw(ctx, &error))
}

/// The error for the use of what belongs to another object or request; `kind` is what it is, in the platform's words.
///
/// Fidelity: workerd's texts.
pub fn foreign(objects: &Objects, kind: &str) -> OpError {
    let (whose, maker, context) = match objects.current_slot() {
        Some(_) => ("Durable Object", "Durable Object", "Durable Object in the same isolate"),
        None => ("request", "request handler", "request's handler"),
    };
    OpError::new(format!(
        "Cannot perform I/O on behalf of a different {whose}. I/O objects (such as streams, request/response \
         bodies, and others) created in the context of one {maker} cannot be accessed from a different \
         {context}. This is a limitation of Cloudflare Workers which allows us to improve overall performance. (I/O type: {kind})"
    ))
}

/// Ends the running turn: throws what no `catch` or `finally` can stop.
pub fn end_turn(ctx: &Ctx<'_>) -> rquickjs::Error {
    Budget::end_turn(ctx)
}

/// Throws a storage error; one that is not the user's fault resets the object.
pub fn throw_storage(ctx: &Ctx<'_>, objects: &Objects, slot: u32, error: &StorageError) -> rquickjs::Error {
    let class = match error {
        StorageError::KeyTooLarge(_) | StorageError::ValueTooLarge(_) => "RangeError",
        StorageError::StartAndStartAfter | StorageError::ListLimit => "TypeError",
        StorageError::TooBig | StorageError::DeleteAllInTransaction | StorageError::History(_) => "Error",
        StorageError::Damaged { .. } | StorageError::Database { .. } | StorageError::Io { .. } => {
            objects.alarms.excuse(Slot(slot));
            return reset(ctx, objects, slot, error.to_string());
        }
    };
    throw(ctx, &OpError::of(class, error.to_string()))
}

/// Throws the error of a statement; one that ended the transaction resets the object.
pub fn throw_sql(ctx: &Ctx<'_>, objects: &Objects, slot: u32, error: &SqlError) -> rquickjs::Error {
    match error {
        SqlError::Statement(message) => throw(ctx, &OpError::new(message)),
        SqlError::Critical(message) => reset(ctx, objects, slot, message.clone()),
        SqlError::Storage(error) => throw_storage(ctx, objects, slot, error),
    }
}

/// Resets the object in `slot` because of `failure`, whose flags stay as they are, and ends the running turn.
pub fn reset_with(ctx: &Ctx<'_>, objects: &Objects, slot: u32, failure: Failure) -> rquickjs::Error {
    objects.mark_broken(Slot(slot), failure);
    end_turn(ctx)
}

/// Resets the object in `slot` and ends the running turn.
pub fn reset(ctx: &Ctx<'_>, objects: &Objects, slot: u32, message: String) -> rquickjs::Error {
    objects.break_object(Slot(slot), Failure::platform(message, &[]));
    end_turn(ctx)
}
