//! How an object contains itself, in V8's words.
//!
//! Fidelity: V8's `src/json/json-stringifier.cc`, as workerd 1.20261117.1 answers: where the circle begins, its first two steps, and
//! its last ones. The circle is looked for in plain properties: no getter and no `toJSON` runs. Where none is found, a
//! `toJSON` or a replacer made it, and only the first line is told.

use std::fmt::Write as _;
use std::ptr::NonNull;

use rquickjs::object::Filter;
use rquickjs::{Ctx, Object, Value, qjs};

use super::Raw;

/// Deepest nesting that is looked at, and how many objects.
const DEPTH_MAX: usize = 500;
const OBJECTS_MAX: usize = 100_000;
/// Steps that are told from the beginning of the circle.
const FIRST_STEPS: usize = 2;

const HEADLINE: &str = "Converting circular structure to JSON";

/// A step into an object: the property that leads there.
struct Step<'js> {
    key: String,
    object: Object<'js>,
}

/// The message for `value`, which contains itself.
///
/// # Safety
/// The context and the value are live, and no exception is pending.
pub(super) unsafe fn describe(ctx: Raw, value: qjs::JSValue) -> Option<String> {
    // SAFETY: as the caller says; the value's own reference is counted.
    let (ctx, value) = unsafe {
        let owned = qjs::JS_DupValue(ctx, value);
        let ctx = Ctx::from_raw(NonNull::new(ctx)?);
        (ctx.clone(), Value::from_raw(ctx, owned))
    };
    let mut search = Search { path: Vec::new(), done: rustc_hash::FxHashSet::default() };
    let root = value.into_object()?;
    let found = search.enter(String::new(), root);
    // What a proxy threw is not what is told.
    drop(ctx.catch());
    Some(found.map_or_else(|| HEADLINE.to_owned(), |(start, key)| search.tell(start, &key)))
}

struct Search<'js> {
    path: Vec<Step<'js>>,
    /// Objects in which there is no circle.
    done: rustc_hash::FxHashSet<usize>,
}

fn address(object: &Object<'_>) -> usize {
    // SAFETY: the value is an object; its address is only compared.
    unsafe { qjs::JS_VALUE_GET_PTR(object.as_raw()) as usize }
}

impl<'js> Search<'js> {
    /// Where in the path the circle begins and the property that closes it.
    fn enter(&mut self, key: String, object: Object<'js>) -> Option<(usize, String)> {
        let here = address(&object);
        if let Some(start) = self.path.iter().position(|step| address(&step.object) == here) {
            return Some((start, key));
        }
        if self.path.len() > DEPTH_MAX || self.done.len() > OBJECTS_MAX || !self.done.insert(here) {
            return None;
        }
        let names = object.own_keys::<String>(Filter::new().string().enum_only());
        self.path.push(Step { key, object: object.clone() });
        for name in names.flatten() {
            let next = data(&object, &name).and_then(Value::into_object);
            let Some(next) = next.filter(|next| !next.is_function()) else { continue };
            let found = self.enter(name, next);
            if found.is_some() {
                return found;
            }
        }
        self.path.pop();
        None
    }

    fn tell(&self, start: usize, closing: &str) -> String {
        let mut text = format!(
            "{HEADLINE}\n    --> starting at object with constructor {}",
            constructor(&self.path[start].object)
        );
        let end = self.path.len();
        let first_end = end.min(start + FIRST_STEPS + 1);
        for at in start + 1..end {
            if at < first_end || at == end - 1 {
                let name = property(&self.path[at - 1].object, &self.path[at].key);
                let class = constructor(&self.path[at].object);
                write!(text, "\n    |     {name} -> object with constructor {class}")
                    .expect("strings take text");
            } else if at == first_end {
                text.push_str("\n    |     ...");
            }
        }
        let name = property(&self.path[end - 1].object, closing);
        write!(text, "\n    --- {name} closes the circle").expect("strings take text");
        text
    }
}

/// The value of an own property that is no accessor.
fn data<'js>(object: &Object<'js>, name: &str) -> Option<Value<'js>> {
    let reflect: Object<'_> = object.ctx().globals().get("Object").ok()?;
    let describe: rquickjs::Function<'_> = reflect.get("getOwnPropertyDescriptor").ok()?;
    let descriptor: Object<'_> = describe.call((object.clone(), name)).ok()?;
    if descriptor.contains_key("value").ok()? { descriptor.get("value").ok() } else { None }
}

fn constructor(object: &Object<'_>) -> String {
    let name = object.get::<_, Object<'_>>("constructor").and_then(|class| class.get::<_, String>("name"));
    format!("'{}'", name.unwrap_or_else(|_| "Object".to_owned()))
}

fn property(holder: &Object<'_>, key: &str) -> String {
    if holder.is_array() { format!("index {key}") } else { format!("property '{key}'") }
}
