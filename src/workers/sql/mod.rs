//! Statements and cursors: the operations behind `ctx.storage.sql`.

mod iterators;

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use rquickjs::{Array, Class, Ctx, Function, Object, Value};

use crate::engine::OpError;
use crate::engine::bytes::{Text, copy_bytes, is_buffer, text_bytes};
use crate::engine::exception::throw;
use crate::engine::handle::{Handle, HandleData};
use crate::engine::records::{Cell, Records, list};
use crate::objects::{Objects, Slot};
use crate::storage::{CursorId, RowRef, SqlValue, ValueRef};

use super::arguments::{Store, check_own, store_of, throw_sql, throw_storage};

/// A statement's cursor; it ends when JavaScript no longer holds it.
struct Cursor {
    id: CursorId,
    store: Store,
    abandoned: Rc<RefCell<Vec<(Store, CursorId)>>>,
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // Garbage is collected at any time, also while a row of the same store is being read.
        match self.store.try_borrow_mut() {
            Ok(mut store) => store.close_cursor(self.id),
            Err(_) => self.abandoned.borrow_mut().push((self.store.clone(), self.id)),
        }
    }
}

impl Cursor {
    /// What its rows become objects with.
    fn records<'js>(&self, ctx: &Ctx<'js>) -> rquickjs::Result<Records<'js>> {
        let names = self.store.borrow().column_names(self.id);
        Records::new(ctx, &names)
    }
}

/// A cursor in JavaScript's hands, which its iterators hold too.
struct CursorHandle(Rc<Cursor>);

impl HandleData for CursorHandle {
    const NAME: &'static str = "SqlCursorHandle";
}

impl Deref for CursorHandle {
    type Target = Rc<Cursor>;

    fn deref(&self) -> &Rc<Cursor> {
        &self.0
    }
}

/// Installs the operations named `sql…`.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    install_exec(ctx, host, objects)?;
    install_rows(ctx, host, objects)?;
    iterators::install(ctx, host, objects)?;
    install_facts(ctx, host)
}

fn install_exec<'js>(ctx: &Ctx<'js>, host: &Object<'js>, objects: &Rc<Objects>) -> rquickjs::Result<()> {
    let abandoned: Rc<RefCell<Vec<(Store, CursorId)>>> = Rc::default();
    let shared = objects.clone();
    let exec = move |ctx: Ctx<'js>, slot: u32, Text(text): Text, bindings: Vec<Value<'js>>| {
        for (store, id) in abandoned.borrow_mut().drain(..) {
            store.borrow_mut().close_cursor(id);
        }
        let parameters =
            bindings.iter().map(|value| parameter(&ctx, value)).collect::<rquickjs::Result<Vec<_>>>()?;
        let store = store_of(&ctx, &shared, slot)?;
        shared.stores.touch(Slot(slot));
        let done = store.borrow_mut().exec(&text, &parameters);
        let id = done.map_err(|error| throw_sql(&ctx, &shared, slot, &error))?;
        Handle::give(&ctx, CursorHandle(Rc::new(Cursor { id, store, abandoned: abandoned.clone() })))
    };
    host.set("sqlExec", Function::new(ctx.clone(), exec)?)?;
    let shared = objects.clone();
    let size = move |ctx: Ctx<'js>, slot: u32| {
        let store = store_of(&ctx, &shared, slot)?;
        let size = store.borrow_mut().database_size();
        #[expect(clippy::cast_precision_loss, reason = "databases are far smaller than 2^53 bytes")]
        size.map(|bytes| bytes as f64).map_err(|error| throw_storage(&ctx, &shared, slot, &error))
    };
    host.set("sqlDatabaseSize", Function::new(ctx.clone(), size)?)
}

fn install_rows<'js>(ctx: &Ctx<'js>, host: &Object<'js>, objects: &Rc<Objects>) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let next = move |ctx: Ctx<'js>, slot: u32, cursor: Class<'js, Handle<CursorHandle>>| {
        let cursor = cursor.borrow();
        let records = cursor.records(&ctx)?;
        step(&ctx, &shared, slot, &cursor, |row| object(&ctx, &records, row))
    };
    host.set("sqlNext", Function::new(ctx.clone(), next)?)?;
    let shared = objects.clone();
    let one = move |ctx: Ctx<'js>, slot: u32, cursor: Class<'js, Handle<CursorHandle>>| {
        let cursor = cursor.borrow();
        let records = cursor.records(&ctx)?;
        let row = step(&ctx, &shared, slot, &cursor, |row| object(&ctx, &records, row))?;
        let mut store = cursor.store.borrow_mut();
        let found = if row.is_none() {
            "no results"
        } else if store.is_done(cursor.id) {
            return Ok(row);
        } else {
            store.end_cursor(cursor.id);
            "multiple results"
        };
        let message = format!("Expected exactly one result from SQL query, but got {found}.");
        Err(throw(&ctx, &OpError::new(message)))
    };
    host.set("sqlOne", Function::new(ctx.clone(), one)?)?;
    let shared = objects.clone();
    let all = move |ctx: Ctx<'js>, slot: u32, cursor: Class<'js, Handle<CursorHandle>>| {
        let cursor = cursor.borrow();
        let records = cursor.records(&ctx)?;
        let rows = Array::new(ctx.clone())?;
        let mut count = 0;
        while let Some(row) = step(&ctx, &shared, slot, &cursor, |row| object(&ctx, &records, row))? {
            rows.set(count, row)?;
            count += 1;
        }
        Ok::<_, rquickjs::Error>(rows)
    };
    host.set("sqlAll", Function::new(ctx.clone(), all)?)
}

fn install_facts<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> rquickjs::Result<()> {
    let names = move |cursor: Class<'js, Handle<CursorHandle>>| {
        let cursor = cursor.borrow();
        let names = cursor.store.borrow().column_names(cursor.id);
        names.to_vec()
    };
    host.set("sqlColumnNames", Function::new(ctx.clone(), names)?)?;
    let end = |cursor: Class<'js, Handle<CursorHandle>>| {
        let cursor = cursor.borrow();
        cursor.store.borrow_mut().end_cursor(cursor.id);
    };
    host.set("sqlEnd", Function::new(ctx.clone(), end)?)?;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let read = |cursor: Class<'js, Handle<CursorHandle>>| {
        let cursor = cursor.borrow();
        let count = cursor.store.borrow_mut().rows_read(cursor.id);
        count as f64
    };
    host.set("sqlRowsRead", Function::new(ctx.clone(), read)?)?;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let written = |cursor: Class<'js, Handle<CursorHandle>>| {
        let cursor = cursor.borrow();
        let count = cursor.store.borrow_mut().rows_written(cursor.id);
        count as f64
    };
    host.set("sqlRowsWritten", Function::new(ctx.clone(), written)?)
}

/// Steps to the next row and reads it.
fn step<'js, T>(
    ctx: &Ctx<'js>,
    objects: &Objects,
    slot: u32,
    cursor: &Cursor,
    read: impl FnOnce(RowRef<'_>) -> rquickjs::Result<T>,
) -> rquickjs::Result<Option<T>> {
    check_own(ctx, objects, slot, "State")?;
    objects.stores.touch(Slot(slot));
    let row = cursor.store.borrow_mut().step_with(cursor.id, read);
    match row {
        Ok(None) => Ok(None),
        Ok(Some(row)) => row.map(Some),
        Err(error) => Err(throw_sql(ctx, objects, slot, &error)),
    }
}

/// A row as an object with a property for each column.
fn object<'js>(ctx: &Ctx<'js>, records: &Records<'js>, row: RowRef<'_>) -> rquickjs::Result<Value<'js>> {
    records.object(ctx, |index| cell(row.get(index)))
}

/// A row as an array.
fn array<'js>(ctx: &Ctx<'js>, row: RowRef<'_>) -> rquickjs::Result<Value<'js>> {
    list(ctx, (0..row.len()).map(|index| cell(row.get(index))))
}

fn cell(value: ValueRef<'_>) -> Cell<'_> {
    match value {
        ValueRef::Null => Cell::Null,
        #[expect(clippy::cast_precision_loss, reason = "the platform gives every integer as a double")]
        ValueRef::Integer(value) => Cell::Number(value as f64),
        ValueRef::Real(value) => Cell::Number(value),
        ValueRef::Text(text) => Cell::Text(text),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes),
    }
}

/// A binding as the platform converts it: numbers are REAL, what is neither number, bytes nor nothing
/// becomes text.
fn parameter<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> rquickjs::Result<SqlValue> {
    if value.is_undefined() || value.is_null() {
        return Ok(SqlValue::Null);
    }
    if let Some(number) = value.as_number() {
        return Ok(SqlValue::Real(number));
    }
    if let Some(text) = value.as_string() {
        return Ok(SqlValue::Text(text_bytes(text)?));
    }
    if let Some(bytes) = copy_bytes(value) {
        return Ok(SqlValue::Blob(bytes));
    }
    if value.is_big_int() {
        let message = "Cannot convert a BigInt value to a number";
        return Err(throw(ctx, &OpError::of("TypeError", message)));
    }
    if value.is_symbol() {
        let message = "Cannot convert a Symbol value to a string";
        return Err(throw(ctx, &OpError::of("TypeError", message)));
    }
    // Fidelity: a buffer that was transferred is one without bytes.
    if value.as_object().is_some_and(is_buffer) {
        return Ok(SqlValue::Blob(Vec::new()));
    }
    let string: Function<'js> = ctx.globals().get("String")?;
    let Text(text) = string.call((value.clone(),))?;
    Ok(SqlValue::Text(text.into_bytes()))
}
