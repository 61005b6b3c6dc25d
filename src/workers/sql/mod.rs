//! Statements and cursors: the operations behind `ctx.storage.sql`.

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::{Array, ArrayBuffer, Class, Ctx, Function, IntoJs, Object, Value};

use crate::engine::OpError;
use crate::engine::bytes::{Text, copy_bytes, is_buffer, text_bytes};
use crate::engine::exception::throw;
use crate::engine::handle::{Handle, HandleData};
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

impl HandleData for Cursor {
    const NAME: &'static str = "SqlCursorHandle";
}

/// Installs the operations named `sql…`.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    install_exec(ctx, host, objects)?;
    install_rows(ctx, host, objects)?;
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
        Handle::give(&ctx, Cursor { id, store, abandoned: abandoned.clone() })
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
    let next = move |ctx: Ctx<'js>, slot: u32, cursor: Class<'js, Handle<Cursor>>| {
        let cursor = cursor.borrow();
        let names = cursor.store.borrow().column_names(cursor.id);
        step(&ctx, &shared, slot, &cursor, |row| row_object(&ctx, &names, row))
    };
    host.set("sqlNext", Function::new(ctx.clone(), next)?)?;
    let shared = objects.clone();
    let next_raw = move |ctx: Ctx<'js>, slot: u32, cursor: Class<'js, Handle<Cursor>>| {
        step(&ctx, &shared, slot, &cursor.borrow(), |row| row_array(&ctx, row))
    };
    host.set("sqlNextRaw", Function::new(ctx.clone(), next_raw)?)?;
    let shared = objects.clone();
    let all = move |ctx: Ctx<'js>, slot: u32, cursor: Class<'js, Handle<Cursor>>| {
        let cursor = cursor.borrow();
        let names = cursor.store.borrow().column_names(cursor.id);
        let rows = Array::new(ctx.clone())?;
        let mut count = 0;
        while let Some(row) = step(&ctx, &shared, slot, &cursor, |row| row_object(&ctx, &names, row))? {
            rows.set(count, row)?;
            count += 1;
        }
        Ok::<_, rquickjs::Error>(rows)
    };
    host.set("sqlAll", Function::new(ctx.clone(), all)?)
}

fn install_facts<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> rquickjs::Result<()> {
    let names = move |cursor: Class<'js, Handle<Cursor>>| {
        let cursor = cursor.borrow();
        let names = cursor.store.borrow().column_names(cursor.id);
        names.to_vec()
    };
    host.set("sqlColumnNames", Function::new(ctx.clone(), names)?)?;
    let end = |cursor: Class<'js, Handle<Cursor>>| {
        let cursor = cursor.borrow();
        cursor.store.borrow_mut().end_cursor(cursor.id);
    };
    host.set("sqlEnd", Function::new(ctx.clone(), end)?)?;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let read = |cursor: Class<'js, Handle<Cursor>>| {
        let cursor = cursor.borrow();
        let count = cursor.store.borrow_mut().rows_read(cursor.id);
        count as f64
    };
    host.set("sqlRowsRead", Function::new(ctx.clone(), read)?)?;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let written = |cursor: Class<'js, Handle<Cursor>>| {
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

fn row_object<'js>(ctx: &Ctx<'js>, names: &[String], row: RowRef<'_>) -> rquickjs::Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    for (index, name) in names.iter().enumerate() {
        object.set(name.as_str(), column(ctx, row.get(index))?)?;
    }
    Ok(object)
}

fn row_array<'js>(ctx: &Ctx<'js>, row: RowRef<'_>) -> rquickjs::Result<Array<'js>> {
    let array = Array::new(ctx.clone())?;
    for index in 0..row.len() {
        array.set(index, column(ctx, row.get(index))?)?;
    }
    Ok(array)
}

fn column<'js>(ctx: &Ctx<'js>, value: ValueRef<'_>) -> rquickjs::Result<Value<'js>> {
    match value {
        ValueRef::Null => Ok(Value::new_null(ctx.clone())),
        #[expect(clippy::cast_precision_loss, reason = "the platform gives every integer as a double")]
        ValueRef::Integer(value) => Ok(Value::new_number(ctx.clone(), value as f64)),
        // As a small integer it would lose its sign.
        ValueRef::Real(value) if value == 0.0 => Ok(Value::new_float(ctx.clone(), value)),
        ValueRef::Real(value) => Ok(Value::new_number(ctx.clone(), value)),
        ValueRef::Text(text) => String::from_utf8_lossy(text).as_ref().into_js(ctx),
        ValueRef::Blob(bytes) => Ok(ArrayBuffer::new_copy(ctx.clone(), bytes)?.into_value()),
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
