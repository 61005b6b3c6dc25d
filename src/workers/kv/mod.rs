//! Workers KV: the operations behind the bindings of `kv_namespaces`.
//!
//! JavaScript checks what is asked (`kv.js`). An object's operation runs when what the object wrote is committed, as the
//! request that it is on the platform would leave.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use rquickjs::{Array, ArrayBuffer, Ctx, Exception, Function, IntoJs, Object, Promise, Value};
use serde_json::{Map, json};

use crate::engine::bytes::{Text, copy_bytes, text_bytes};
use crate::engine::{OpError, OpValue};
use crate::kv::{Bucket, Entry, KvError, Namespace, Page, Query};
use crate::objects::Objects;

use super::arguments::begin_subrequest;
use super::platform::WorkerSpec;

/// The namespaces of one realm that were used, by their ids.
type Open = RefCell<HashMap<String, Rc<Namespace>>>;

/// What a binding leads to.
enum Source {
    Namespace(Rc<Namespace>),
    Bucket(Arc<Bucket>),
}

impl Source {
    fn get(&self, key: &str, now: i64) -> Result<Option<Entry>, KvError> {
        match self {
            Self::Namespace(namespace) => namespace.get(key, now),
            Self::Bucket(bucket) => Ok(bucket.get(key)?.map(|value| Entry { value, metadata: None })),
        }
    }

    fn list(&self, query: Query<'_>, now: i64) -> Result<Page, KvError> {
        match self {
            Self::Namespace(namespace) => namespace.list(query, now),
            Self::Bucket(bucket) => Ok(bucket.list(query)?),
        }
    }
}

/// Starts operations.
#[derive(Clone)]
struct Operations {
    objects: Rc<Objects>,
    open: Rc<Open>,
    bucket: Option<Arc<Bucket>>,
}

impl Operations {
    /// Does `work` with the namespace `id`, or without one with the bucket, and gives a promise of what comes of it; `method` is its
    /// name in messages.
    fn start<'js>(
        &self,
        ctx: &Ctx<'js>,
        id: Option<String>,
        method: &'static str,
        work: impl FnOnce(&Source) -> Result<OpValue, KvError> + 'static,
    ) -> rquickjs::Result<Promise<'js>> {
        let objects = &self.objects;
        begin_subrequest(ctx, objects)?;
        let (op, promise) = objects.host.ops.start_named(ctx, objects.host.scope.get(), "Workers KV")?;
        let (completer, own) = (objects.host.completer.clone(), self.clone());
        objects.send_outside(Box::new(move || {
            let done = own.source(id.as_deref()).and_then(|source| work(&source));
            completer.complete(op, done.map_err(|error| failed(method, &error)));
        }));
        Ok(promise)
    }

    fn source(&self, id: Option<&str>) -> Result<Source, KvError> {
        match (id, &self.bucket) {
            (Some(id), _) => self.namespace(id).map(Source::Namespace),
            (None, Some(bucket)) => Ok(Source::Bucket(bucket.clone())),
            (None, None) => Err(KvError::Value(std::io::Error::other("there is no bucket"))),
        }
    }

    /// Starts `work`, which writes, with the namespace `id`; JavaScript does not ask it of a bucket.
    fn start_write<'js>(
        &self,
        ctx: &Ctx<'js>,
        id: String,
        method: &'static str,
        work: impl FnOnce(&Namespace) -> Result<(), KvError> + 'static,
    ) -> rquickjs::Result<Promise<'js>> {
        self.start(ctx, Some(id), method, move |source| {
            if let Source::Namespace(namespace) = source {
                work(namespace)?;
            }
            Ok(OpValue::Undefined)
        })
    }

    fn namespace(&self, id: &str) -> Result<Rc<Namespace>, KvError> {
        if let Some(open) = self.open.borrow().get(id) {
            return Ok(open.clone());
        }
        let own_dir = self.objects.host.own_dir().ok_or_else(|| {
            KvError::Value(std::io::Error::other("there is no state directory to keep it in"))
        })?;
        let root = own_dir.parent().unwrap_or(&own_dir).join("kv");
        let namespace = Rc::new(Namespace::open(&root, id)?);
        self.open.borrow_mut().insert(id.to_owned(), namespace.clone());
        Ok(namespace)
    }
}

fn failed(method: &str, error: &KvError) -> OpError {
    OpError::new(format!("KV {method} failed: 500 {error}"))
}

/// Installs `workersKvGet(id, key, asText, now)` → `[value, metadata]` or `undefined`, `workersKvPut(id, key, value, metadata, expiration,
/// now)`, `workersKvDelete(id, key)`, `workersKvList(id, prefix, after, limit, now)` → JSON, and `workersKvGetAll(id, keys, now)` → JSON; all of them
/// promises. Times are in ms since 1970; where something is read, no id is the bucket of the Worker. `siteManifest()` gives the manifest of the bucket
/// as JSON, and nothing if there is none.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
    spec: &Rc<WorkerSpec>,
) -> rquickjs::Result<()> {
    let bucket = spec.bucket.clone();
    let manifest = move |ctx: Ctx<'js>| match &bucket {
        Some(bucket) => {
            bucket.manifest().map(Some).map_err(|error| Exception::throw_message(&ctx, &error.to_string()))
        }
        None => Ok(None),
    };
    host.set("siteManifest", Function::new(ctx.clone(), manifest)?)?;
    let operations =
        Operations { objects: objects.clone(), open: Rc::default(), bucket: spec.bucket.clone() };
    install_values(ctx, host, &operations)?;
    install_lists(ctx, host, &operations)
}

fn install_values<'js>(ctx: &Ctx<'js>, host: &Object<'js>, operations: &Operations) -> rquickjs::Result<()> {
    let own = operations.clone();
    let get = move |ctx: Ctx<'js>, id: Option<String>, Text(key): Text, as_text: bool, now: f64| {
        own.start(&ctx, id, "GET", move |source| {
            let entry = source.get(&key, milliseconds(now))?;
            Ok(entry.map_or(OpValue::Undefined, |entry| given(entry, as_text)))
        })
    };
    host.set("workersKvGet", Function::new(ctx.clone(), get)?)?;
    let own = operations.clone();
    let put = move |ctx: Ctx<'js>,
                    id: String,
                    Text(key): Text,
                    value: Value<'js>,
                    metadata: Option<String>,
                    expiration: Option<f64>,
                    now: f64| {
        let value = match value.as_string() {
            Some(text) => text_bytes(text)?,
            None => copy_bytes(&value).unwrap_or_default(),
        };
        own.start_write(&ctx, id, "PUT", move |namespace| {
            let expiration = expiration.map(milliseconds);
            namespace.put(&key, &value, metadata.as_deref(), expiration, milliseconds(now))
        })
    };
    host.set("workersKvPut", Function::new(ctx.clone(), put)?)?;
    let own = operations.clone();
    let delete = move |ctx: Ctx<'js>, id: String, Text(key): Text| {
        own.start_write(&ctx, id, "DELETE", move |namespace| namespace.delete(&key))
    };
    host.set("workersKvDelete", Function::new(ctx.clone(), delete)?)
}

fn install_lists<'js>(ctx: &Ctx<'js>, host: &Object<'js>, operations: &Operations) -> rquickjs::Result<()> {
    let own = operations.clone();
    let list = move |ctx: Ctx<'js>,
                     id: Option<String>,
                     Text(prefix): Text,
                     Text(after): Text,
                     limit: u32,
                     now: f64| {
        own.start(&ctx, id, "GET", move |source| {
            let query = Query { prefix: &prefix, after: &after, limit: limit as usize };
            Ok(OpValue::Text(page_json(&source.list(query, milliseconds(now))?)))
        })
    };
    host.set("workersKvList", Function::new(ctx.clone(), list)?)?;
    let own = operations.clone();
    let get_all = move |ctx: Ctx<'js>, id: Option<String>, keys: Vec<Text>, now: f64| {
        own.start(&ctx, id, "GET_BULK", move |source| {
            let found = keys.iter().map(|Text(key)| {
                let entry = source.get(key, milliseconds(now))?;
                Ok(entry.map(|entry| (String::from_utf8_lossy(&entry.value).into_owned(), entry.metadata)))
            });
            let found = found.collect::<Result<Vec<_>, KvError>>()?;
            Ok(OpValue::Text(serde_json::to_string(&found).expect("texts are JSON")))
        })
    };
    host.set("workersKvGetAll", Function::new(ctx.clone(), get_all)?)
}

/// `[value, metadata]`.
fn given(entry: Entry, as_text: bool) -> OpValue {
    OpValue::Make(Box::new(move |ctx| {
        let parts = Array::new(ctx.clone())?;
        if as_text {
            parts.set(0, String::from_utf8_lossy(&entry.value).as_ref())?;
        } else {
            parts.set(0, ArrayBuffer::new(ctx.clone(), entry.value)?)?;
        }
        parts.set(1, entry.metadata)?;
        parts.into_js(ctx)
    }))
}

/// A page as the platform gives it, with seconds; metadata that is no JSON is left out.
fn page_json(page: &Page) -> String {
    let keys = page.keys.iter().map(|listed| {
        let mut key = Map::new();
        key.insert("name".to_owned(), json!(listed.key));
        if let Some(end) = listed.expiration {
            key.insert("expiration".to_owned(), json!(end.div_euclid(1_000)));
        }
        let metadata = listed.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok());
        if let Some(metadata) = metadata {
            key.insert("metadata".to_owned(), metadata);
        }
        key
    });
    json!({ "keys": keys.collect::<Vec<_>>(), "more": page.more }).to_string()
}

fn milliseconds(number: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "times are far smaller, and the cast saturates")]
    let whole = number as i64;
    whole
}
