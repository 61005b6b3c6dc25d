//! Ids: made from names, from text, or at random; and the classes whose objects they name.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object};

use crate::base::ids::ObjectId;
use crate::engine::OpError;
use crate::engine::exception::throw;
use crate::objects::Objects;

/// `host.idFromName(namespace, name)`, `host.idFromString(namespace, text)`, `host.newUniqueId(namespace)`:
/// 64 hexadecimal digits each; `host.namespaces()`: the classes' names by number.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let from_name =
        move |namespace: usize, name: String| shared.namespaces[namespace].id_from_name(&name).to_string();
    host.set("idFromName", Function::new(ctx.clone(), from_name)?)?;
    let shared = objects.clone();
    let from_string = move |ctx: Ctx<'js>, namespace: usize, text: String| {
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
    let unique = move |ctx: Ctx<'js>, namespace: usize| {
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|error| throw(&ctx, &OpError::new(format!("no randomness: {error}"))))?;
        Ok::<_, rquickjs::Error>(shared.namespaces[namespace].key.unique_id(random).to_string())
    };
    host.set("newUniqueId", Function::new(ctx.clone(), unique)?)?;
    let shared = objects.clone();
    let classes =
        move || shared.namespaces.iter().map(|namespace| namespace.class.clone()).collect::<Vec<_>>();
    host.set("namespaces", Function::new(ctx.clone(), classes)?)
}
