//! Ids: made from names, from text, or at random; and the classes whose objects they name.

use std::rc::Rc;

use rquickjs::object::Property;
use rquickjs::prelude::Opt;
use rquickjs::{Ctx, Function, Object, Value};

use crate::base::ids::ObjectId;
use crate::base::jurisdiction::Jurisdiction;
use crate::engine::OpError;
use crate::engine::bytes::Text;
use crate::engine::exception::throw;
use crate::objects::{Namespace, Objects};

use super::platform::WorkerSpec;

/// `host.nameId(id, namespace, name, jurisdiction?)`: the digits of that name, of which `id` becomes the id;
/// `host.describeId(id, jurisdiction, name)`; `host.idFromString(namespace, text)`,
/// `host.newUniqueId(namespace, jurisdiction?)`: 64 hexadecimal digits each; `host.jurisdictionOf(digits)`: the jurisdiction
/// of an id, or undefined; `host.isJurisdiction(text)`; `host.namespaces()`: the names of the Worker's own classes by number, and nothing where a number is another Worker's.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
    spec: &Rc<WorkerSpec>,
) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let name_id = move |id: Object<'js>, namespace: usize, name: Value<'js>, jurisdiction: Value<'js>| {
        let Text(text) = name.get()?;
        let within = jurisdiction_in(Opt(jurisdiction.get()?));
        describe(&id, jurisdiction, name)?;
        Ok::<_, rquickjs::Error>(shared.namespaces[namespace].named(within, &text).to_string())
    };
    host.set("nameId", Function::new(ctx.clone(), name_id)?)?;
    let describe_id =
        |id: Object<'js>, jurisdiction: Value<'js>, name: Value<'js>| describe(&id, jurisdiction, name);
    host.set("describeId", Function::new(ctx.clone(), describe_id)?)?;
    let shared = objects.clone();
    let from_string = move |ctx: Ctx<'js>, namespace: usize, Text(text): Text| {
        let id: ObjectId = text.parse().map_err(|error: crate::base::ids::InvalidId| {
            throw(&ctx, &OpError::of("TypeError", error.to_string()))
        })?;
        let Some(id) = shared.namespaces[namespace].present_id(id) else {
            let message = "Durable Object ID is not valid for this namespace.";
            return Err(throw(&ctx, &OpError::of("TypeError", message)));
        };
        Ok(id.to_string())
    };
    host.set("idFromString", Function::new(ctx.clone(), from_string)?)?;
    let shared = objects.clone();
    let unique = move |ctx: Ctx<'js>, namespace: usize, jurisdiction: Opt<String>| {
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|error| throw(&ctx, &OpError::new(format!("no randomness: {error}"))))?;
        let key = &shared.namespaces[namespace].key;
        let id = match jurisdiction_in(jurisdiction) {
            None => key.unique_id(random),
            Some(jurisdiction) => key.unique_id_in(jurisdiction, random),
        };
        Ok::<_, rquickjs::Error>(id.to_string())
    };
    host.set("newUniqueId", Function::new(ctx.clone(), unique)?)?;
    let jurisdiction_of =
        |digits: String| digits.parse().ok().and_then(|id| Jurisdiction::of(&id)).map(Jurisdiction::as_str);
    host.set("jurisdictionOf", Function::new(ctx.clone(), jurisdiction_of)?)?;
    let is_jurisdiction = |Text(text): Text| text.parse::<Jurisdiction>().is_ok();
    host.set("isJurisdiction", Function::new(ctx.clone(), is_jurisdiction)?)?;
    let shared = objects.clone();
    let own = spec.worker;
    let classes = move || {
        let name = |namespace: &Namespace| (namespace.worker == own).then(|| namespace.class.clone());
        shared.namespaces.iter().map(name).collect::<Vec<_>>()
    };
    host.set("namespaces", Function::new(ctx.clone(), classes)?)
}

/// Gives `id` the properties that tell where it comes from.
fn describe<'js>(id: &Object<'js>, jurisdiction: Value<'js>, name: Value<'js>) -> rquickjs::Result<()> {
    id.prop("jurisdiction", Property::from(jurisdiction).enumerable().configurable())?;
    id.prop("name", Property::from(name).enumerable().configurable())
}

/// The jurisdiction that the prelude named, which it checked before.
fn jurisdiction_in(text: Opt<String>) -> Option<Jurisdiction> {
    text.0.and_then(|text| text.parse().ok())
}
