//! The bindings of a Worker, as the prelude builds `env` from them.

use std::rc::Rc;

use rquickjs::{Array, Ctx, Function, IntoJs, Object, Value};

use super::platform::WorkerSpec;
use crate::objects::WorkerNumber;

/// One entry of `env`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Its name in `env`.
    pub name: String,
    /// What it is.
    pub value: BindingValue,
}

/// What a binding is bound to.
#[derive(Debug, Clone, PartialEq)]
pub enum BindingValue {
    /// A string.
    Text(String),
    /// A JSON value, as text.
    Json(String),
    /// The namespace with this index in the Worker's list.
    Namespace(usize),
    /// An entry point of a Worker.
    Entrypoint {
        /// Which one; it may not run.
        worker: WorkerNumber,
        /// The export's name; `None` is the default export.
        name: Option<String>,
        /// What it finds in `ctx.props`, as JSON.
        props: String,
    },
    /// The namespace of Workers KV with this id.
    Kv(String),
    /// The Worker's bucket, as a namespace of Workers KV.
    Bucket,
    /// The dataset of Analytics Engine with this name.
    Dataset(String),
    /// A rate limit.
    RateLimit {
        /// Whose counts it shares.
        namespace: String,
        /// How many calls with one key a window has.
        limit: f64,
        /// The length of a window, in seconds.
        period: f64,
    },
    /// A kind that is not emulated, by its name in the configuration.
    Refused(String),
}

/// `host.bindings()`: an array of `[kind, name, value]`; `host.worker`: the number of the Worker itself.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    spec: &Rc<WorkerSpec>,
) -> rquickjs::Result<()> {
    host.set("worker", spec.worker.0)?;
    let spec = spec.clone();
    let bindings = move |ctx: Ctx<'js>| -> rquickjs::Result<Array<'js>> {
        let list = Array::new(ctx.clone())?;
        for (index, Binding { name, value }) in spec.bindings.iter().enumerate() {
            let (kind, value): (&str, Value<'js>) = match value {
                BindingValue::Text(text) => ("text", text.as_str().into_js(&ctx)?),
                BindingValue::Json(text) => ("json", text.as_str().into_js(&ctx)?),
                BindingValue::Namespace(number) => ("object", number.into_js(&ctx)?),
                BindingValue::Entrypoint { worker, name, props } => {
                    let parts = Array::new(ctx.clone())?;
                    parts.set(0, worker.0)?;
                    parts.set(1, name.as_deref())?;
                    parts.set(2, props.as_str())?;
                    ("entrypoint", parts.into_value())
                }
                BindingValue::Kv(id) => ("kv", id.as_str().into_js(&ctx)?),
                BindingValue::Bucket => ("kv", Value::new_undefined(ctx.clone())),
                BindingValue::Dataset(name) => ("dataset", name.as_str().into_js(&ctx)?),
                BindingValue::RateLimit { namespace, limit, period } => {
                    let parts = Array::new(ctx.clone())?;
                    parts.set(0, namespace.as_str())?;
                    parts.set(1, *limit)?;
                    parts.set(2, *period)?;
                    ("rate", parts.into_value())
                }
                BindingValue::Refused(kind) => (kind, Value::new_undefined(ctx.clone())),
            };
            list.set(index, (kind, name.as_str(), value).into_js_array(&ctx)?)?;
        }
        Ok(list)
    };
    host.set("bindings", Function::new(ctx.clone(), bindings)?)
}

trait IntoJsArray<'js> {
    fn into_js_array(self, ctx: &Ctx<'js>) -> rquickjs::Result<Array<'js>>;
}

impl<'js> IntoJsArray<'js> for (&str, &str, Value<'js>) {
    fn into_js_array(self, ctx: &Ctx<'js>) -> rquickjs::Result<Array<'js>> {
        let array = Array::new(ctx.clone())?;
        array.set(0, self.0)?;
        array.set(1, self.1)?;
        array.set(2, self.2)?;
        Ok(array)
    }
}
