//! What operations of this folder share: finding the object that calls, and throwing what went wrong.

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::Ctx;

use crate::engine::OpError;
use crate::engine::exception::{make_error, set_uncatchable, throw};
use crate::objects::{Failure, Objects, Slot};
use crate::storage::{ObjectStore, SqlError, StorageError};

/// A store that one isolate's operations share.
pub type Store = Rc<RefCell<ObjectStore>>;

/// The store of the object in `slot`, for its own code.
///
/// # Errors
/// Throws when the object is not the one whose turn runs, or when it was reset.
pub fn store_of(ctx: &Ctx<'_>, objects: &Objects, slot: u32) -> rquickjs::Result<Store> {
    let slot = Slot(slot);
    if objects.current_slot() != Some(slot) {
        return Err(throw(ctx, &foreign_object()));
    }
    check_alive(ctx, objects)?;
    objects.stores.get(slot).ok_or_else(|| throw(ctx, &foreign_object()))
}

/// Goes on only while the object whose turn runs is not broken; ends the turn otherwise.
pub fn check_alive(ctx: &Ctx<'_>, objects: &Objects) -> rquickjs::Result<()> {
    match objects.current_failure() {
        Some(_) => Err(end_turn(ctx)),
        None => Ok(()),
    }
}

/// Fidelity: the message that workerd throws when an object uses what belongs to another one.
fn foreign_object() -> OpError {
    OpError::new(
        "Cannot perform I/O on behalf of a different Durable Object. I/O objects (such as streams, \
         request/response bodies, and others) created in the context of one Durable Object cannot be accessed \
         from a different Durable Object in the same isolate. This is a limitation of Cloudflare Workers which \
         allows us to improve overall performance.",
    )
}

/// Ends the running turn: throws what no `catch` or `finally` can stop.
pub fn end_turn(ctx: &Ctx<'_>) -> rquickjs::Error {
    match make_error(ctx, &OpError::new("the Durable Object was reset")) {
        Ok(error) => {
            set_uncatchable(ctx, &error);
            ctx.throw(error)
        }
        Err(error) => error,
    }
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

/// Resets the object in `slot` and ends the running turn.
pub fn reset(ctx: &Ctx<'_>, objects: &Objects, slot: u32, message: String) -> rquickjs::Error {
    objects.break_object(Slot(slot), Failure::platform(message, &[]));
    end_turn(ctx)
}
