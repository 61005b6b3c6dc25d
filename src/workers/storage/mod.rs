//! Keys, values, savepoints: the operations behind `ctx.storage`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use rquickjs::function::Rest;
use rquickjs::{Array, Class, Ctx, Function, Object, Value};

use crate::base::clock::Timestamp;
use crate::engine::OpError;
use crate::engine::bytes::Text;
use crate::engine::exception::throw;
use crate::engine::handle::{Handle, HandleData};
use crate::objects::{Objects, Slot};
use crate::storage::{KvIterator, ListOptions, SavepointId, StorageError};

use super::arguments::{Store, reset, store_of, throw_storage};
use super::platform::WorkerSpec;
use super::rpc::{read_stored, write_stored};

/// The object that an operation works for, with its store.
struct Call<'a, 'js> {
    ctx: &'a Ctx<'js>,
    objects: &'a Objects,
    slot: u32,
    store: Store,
}

impl<'a, 'js> Call<'a, 'js> {
    fn new(ctx: &'a Ctx<'js>, objects: &'a Objects, slot: u32) -> rquickjs::Result<Self> {
        Ok(Self { ctx, objects, slot, store: store_of(ctx, objects, slot)? })
    }

    fn check<T>(&self, result: Result<T, StorageError>) -> rquickjs::Result<T> {
        result.map_err(|error| throw_storage(self.ctx, self.objects, self.slot, &error))
    }

    /// The object is about to write.
    fn touch(&self) {
        self.objects.stores.touch(Slot(self.slot));
    }

    fn get(&self, key: &str) -> rquickjs::Result<Option<Value<'js>>> {
        let found = self.store.borrow_mut().get(key);
        self.check(found)?.map(|bytes| read_stored(self.ctx, &self.objects.host, &bytes)).transpose()
    }
}

/// Fidelity: workerd's text (`src/workerd/io/actor-sqlite.c++`).
const NESTED_TRANSACTION: &str =
    "Cannot roll back an outer transaction while a nested transaction is still running.";

/// A savepoint, and whether the running alarm had been changed before it.
type OpenSavepoint = (SavepointId, bool);

/// A running `storage.kv.list()` and its number among the object's lists.
struct Iteration {
    iterator: RefCell<KvIterator>,
    number: u64,
}

impl HandleData for Iteration {
    const NAME: &'static str = "KvIteration";
}

/// Installs the operations named `kv…`, the savepoints and `storageSync`.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
    spec: &Rc<WorkerSpec>,
) -> rquickjs::Result<()> {
    install_reads(ctx, host, objects)?;
    install_writes(ctx, host, objects, spec)?;
    install_lists(ctx, host, objects)?;
    install_transactions(ctx, host, objects)
}

fn install_reads<'js>(ctx: &Ctx<'js>, host: &Object<'js>, objects: &Rc<Objects>) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let get = move |ctx: Ctx<'js>, slot: u32, Text(key): Text| Call::new(&ctx, &shared, slot)?.get(&key);
    host.set("kvGet", Function::new(ctx.clone(), get)?)?;
    let shared = objects.clone();
    let get_many = move |ctx: Ctx<'js>, slot: u32, mut keys: Vec<Text>| {
        let call = Call::new(&ctx, &shared, slot)?;
        keys.sort_unstable();
        keys.dedup();
        let flat = Array::new(ctx.clone())?;
        for Text(key) in keys {
            if let Some(value) = call.get(&key)? {
                flat.set(flat.len(), key)?;
                flat.set(flat.len(), value)?;
            }
        }
        Ok::<_, rquickjs::Error>(flat)
    };
    host.set("kvGetMany", Function::new(ctx.clone(), get_many)?)
}

fn install_writes<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
    spec: &Rc<WorkerSpec>,
) -> rquickjs::Result<()> {
    let (shared, errors) = (objects.clone(), spec.stored_errors);
    let put = move |ctx: Ctx<'js>, slot: u32, Text(key): Text, value: Value<'js>| {
        let call = Call::new(&ctx, &shared, slot)?;
        let bytes = write_stored(&ctx, &shared.host, &value, errors, true)?;
        call.touch();
        let done = call.store.borrow_mut().put(&key, bytes);
        call.check(done)
    };
    host.set("kvPut", Function::new(ctx.clone(), put)?)?;
    let shared = objects.clone();
    let put_many = move |ctx: Ctx<'js>, slot: u32, keys: Vec<Text>, values: Vec<Value<'js>>| {
        let call = Call::new(&ctx, &shared, slot)?;
        // All or nothing: every value is serialized and checked before the first is written.
        let mut entries = Vec::with_capacity(keys.len());
        for (Text(key), value) in keys.into_iter().zip(&values) {
            let bytes = write_stored(&ctx, &shared.host, value, errors, true)?;
            call.check(call.store.borrow().check(&key, bytes.len()))?;
            entries.push((key, bytes));
        }
        call.touch();
        for (key, bytes) in entries {
            let done = call.store.borrow_mut().put(&key, bytes);
            call.check(done)?;
        }
        Ok::<_, rquickjs::Error>(())
    };
    host.set("kvPutMany", Function::new(ctx.clone(), put_many)?)?;
    let shared = objects.clone();
    let delete = move |ctx: Ctx<'js>, slot: u32, Text(key): Text| {
        let call = Call::new(&ctx, &shared, slot)?;
        call.touch();
        let done = call.store.borrow_mut().delete(&key);
        call.check(done)
    };
    host.set("kvDelete", Function::new(ctx.clone(), delete)?)?;
    let shared = objects.clone();
    let delete_many = move |ctx: Ctx<'js>, slot: u32, keys: Vec<Text>| {
        let call = Call::new(&ctx, &shared, slot)?;
        call.touch();
        let mut count = 0;
        for Text(key) in keys {
            let done = call.store.borrow_mut().delete(&key);
            count += u32::from(call.check(done)?);
        }
        Ok::<_, rquickjs::Error>(count)
    };
    host.set("kvDeleteMany", Function::new(ctx.clone(), delete_many)?)?;
    let shared = objects.clone();
    let bookmark = move |ctx: Ctx<'js>, slot: u32| {
        let call = Call::new(&ctx, &shared, slot)?;
        call.touch();
        let done = call.store.borrow_mut().current_bookmark();
        call.check(done)
    };
    host.set("currentBookmark", Function::new(ctx.clone(), bookmark)?)?;
    let shared = objects.clone();
    #[expect(clippy::cast_possible_truncation, reason = "saturating: no such time is in a history")]
    let for_time = move |ctx: Ctx<'js>, slot: u32, time: f64| {
        let call = Call::new(&ctx, &shared, slot)?;
        let found = call.store.borrow_mut().bookmark_for_time(Timestamp(time as i64));
        call.check(found)
    };
    host.set("bookmarkForTime", Function::new(ctx.clone(), for_time)?)?;
    let shared = objects.clone();
    let restore = move |ctx: Ctx<'js>, slot: u32, bookmark: String| {
        let call = Call::new(&ctx, &shared, slot)?;
        let undo = call.store.borrow_mut().restore_next_session(&bookmark);
        call.check(undo)
    };
    host.set("restoreNextSession", Function::new(ctx.clone(), restore)?)?;
    let (shared, keep_alarm) = (objects.clone(), !spec.delete_all_deletes_alarm);
    let delete_all = move |ctx: Ctx<'js>, slot: u32| {
        let call = Call::new(&ctx, &shared, slot)?;
        call.touch();
        let done = call.store.borrow_mut().delete_all(keep_alarm);
        if done.is_ok() {
            let deleted = shared.delete_facets(Slot(slot));
            deleted.map_err(|error| reset(&ctx, &shared, slot, error.to_string()))?;
        }
        if !keep_alarm && done.is_ok() {
            shared.alarms.note_change(Slot(slot));
        }
        call.check(done)
    };
    host.set("kvDeleteAll", Function::new(ctx.clone(), delete_all)?)
}

fn install_lists<'js>(ctx: &Ctx<'js>, host: &Object<'js>, objects: &Rc<Objects>) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let list = move |ctx: Ctx<'js>, slot: u32, options: Rest<Value<'js>>| {
        let options = parse_options(&options.0)?;
        let call = Call::new(&ctx, &shared, slot)?;
        let found = call.store.borrow_mut().list(&options);
        let flat = Array::new(ctx.clone())?;
        for (index, (key, bytes)) in call.check(found)?.into_iter().enumerate() {
            flat.set(2 * index, key)?;
            flat.set(2 * index + 1, read_stored(&ctx, &shared.host, &bytes)?)?;
        }
        Ok::<_, rquickjs::Error>(flat)
    };
    host.set("kvList", Function::new(ctx.clone(), list)?)?;
    let shared = objects.clone();
    let iterate = move |ctx: Ctx<'js>, slot: u32, options: Rest<Value<'js>>| {
        let options = parse_options(&options.0)?;
        let call = Call::new(&ctx, &shared, slot)?;
        let iterator = call.store.borrow_mut().iterate(&options);
        let iterator = call.check(iterator)?;
        // A list that cannot have keys leaves the others alone.
        let number = if options.range().is_ok_and(|range| range.is_some()) {
            call.store.borrow_mut().begin_list()
        } else {
            0
        };
        Handle::give(&ctx, Iteration { iterator: RefCell::new(iterator), number })
    };
    host.set("kvIterate", Function::new(ctx.clone(), iterate)?)?;
    let shared = objects.clone();
    let next = move |ctx: Ctx<'js>, slot: u32, iteration: Class<'js, Handle<Iteration>>| {
        let call = Call::new(&ctx, &shared, slot)?;
        let iteration = iteration.borrow();
        let mut iterator = iteration.iterator.borrow_mut();
        if iterator.is_done() {
            return Ok(None);
        }
        let ended = call.store.borrow().list_end(iteration.number);
        if let Some(end) = ended {
            return Err(throw(&ctx, &OpError::new(end.to_string())));
        }
        let found = iterator.next(&mut call.store.borrow_mut());
        let Some((key, bytes)) = call.check(found)? else { return Ok(None) };
        let entry = Array::new(ctx.clone())?;
        entry.set(0, key)?;
        entry.set(1, read_stored(&ctx, &shared.host, &bytes)?)?;
        Ok::<_, rquickjs::Error>(Some(entry))
    };
    host.set("kvNext", Function::new(ctx.clone(), next)?)
}

/// The options of `list()` as `dodev:workers/storage/list_options` gives them.
fn parse_options(values: &[Value<'_>]) -> rquickjs::Result<ListOptions> {
    let text = |index: usize| -> rquickjs::Result<Option<String>> {
        let string = values.get(index).filter(|value| value.is_string());
        string.map(|value| value.get().map(|Text(text)| text)).transpose()
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive limit, saturating"
    )]
    let limit = values.get(5).and_then(Value::as_number).map(|limit| limit as u32);
    Ok(ListOptions {
        start: text(0)?,
        start_after: text(1)?,
        end: text(2)?,
        prefix: text(3)?,
        reverse: values.get(4).and_then(Value::as_bool).unwrap_or(false),
        limit,
    })
}

/// Also `host.checkStorage(slot)`, which throws where the storage is another object's.
fn install_transactions<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let check = move |ctx: Ctx<'js>, slot: u32| store_of(&ctx, &shared, slot).map(drop);
    host.set("checkStorage", Function::new(ctx.clone(), check)?)?;
    // Open savepoints by object; they are strictly nested.
    let open: Rc<RefCell<HashMap<u32, Vec<OpenSavepoint>>>> = Rc::default();
    let (shared, stacks) = (objects.clone(), open.clone());
    let savepoint = move |ctx: Ctx<'js>, slot: u32, commit_first: bool| {
        let call = Call::new(&ctx, &shared, slot)?;
        call.touch();
        if commit_first {
            // What was written before an asynchronous transaction must not be lost with it.
            let done = call.store.borrow_mut().commit();
            done.map_err(|error| reset(&ctx, &shared, slot, error.to_string()))?;
        }
        let id = call.store.borrow_mut().savepoint();
        let mut stacks = stacks.borrow_mut();
        let stack = stacks.entry(slot).or_default();
        stack.push((call.check(id)?, shared.alarms.is_changed(Slot(slot))));
        Ok::<_, rquickjs::Error>(stack.len() - 1)
    };
    host.set("savepoint", Function::new(ctx.clone(), savepoint)?)?;
    let shared = objects.clone();
    let end = move |ctx: Ctx<'js>, slot: u32, number: usize, keep: bool| {
        let call = Call::new(&ctx, &shared, slot)?;
        let id = {
            let mut stacks = open.borrow_mut();
            let stack = stacks.entry(slot).or_default();
            if number + 1 < stack.len() {
                return Err(throw(&ctx, &OpError::new(NESTED_TRANSACTION)));
            }
            stack.get(number).copied().inspect(|_| stack.truncate(number))
        };
        let Some((id, alarm_changed)) = id else {
            return Err(throw(&ctx, &OpError::new("no such savepoint")));
        };
        call.touch();
        let done = {
            let mut store = call.store.borrow_mut();
            if keep { store.release(id) } else { store.roll_back_to(id) }
        };
        if !keep {
            shared.alarms.set_changed(Slot(slot), alarm_changed);
        }
        call.check(done)
    };
    host.set("endSavepoint", Function::new(ctx.clone(), end)?)?;
    let shared = objects.clone();
    let sync = move |ctx: Ctx<'js>, slot: u32| {
        store_of(&ctx, &shared, slot)?;
        shared.after_commit(&ctx, Slot(slot))
    };
    host.set("storageSync", Function::new(ctx.clone(), sync)?)
}
