//! Facets on their way between the program and the objects.

use std::rc::Rc;

use rquickjs::convert::List;
use rquickjs::{Ctx, Function, Object, Value};

use crate::engine::bytes::Text;
use crate::engine::exception::throw;
use crate::engine::{Host, OpError};
use crate::objects::{FacetPlace, Failure, Objects, Slot};
use crate::storage::CommitError;

use super::arguments::{check_own, foreign, reset};
use super::rpc::failure_of;

/// What facets are in the platform's words.
const KIND: &str = "FacetManager";

/// `host.facetDepth(slot)`; `host.currentOwner()`, a number for the running instance or request, and
/// `host.checkOwner(owner, type)`, which throws where it is another one's;
/// `host.openFacet(parent, name)`: `[slot, ticket, fresh]`; `host.startFacet(slot, ticket, class)`: whether it was still
/// wanted; `host.failFacet(slot, ticket, error)`; `host.abortFacet(parent, name, reason)`,
/// `host.deleteFacet(parent, name)`, `host.cloneFacet(parent, from, to)`.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let depth = move |ctx: Ctx<'js>, slot: u32| {
        check_own(&ctx, &shared, slot, KIND)?;
        Ok::<_, rquickjs::Error>(shared.facet_depth(Slot(slot)))
    };
    host.set("facetDepth", Function::new(ctx.clone(), depth)?)?;
    let shared = objects.clone();
    #[expect(clippy::cast_precision_loss, reason = "owners are counted from 1")]
    let owner = move || shared.host.scope.get().owner.0 as f64;
    host.set("currentOwner", Function::new(ctx.clone(), owner.clone())?)?;
    let shared = objects.clone();
    let check = move |ctx: Ctx<'js>, expected: f64, kind: String| match owner() {
        #[expect(clippy::float_cmp, reason = "both are the same integer or are not")]
        current if current == expected => Ok(()),
        _ => Err(throw(&ctx, &foreign(&shared, &kind))),
    };
    host.set("checkOwner", Function::new(ctx.clone(), check)?)?;
    let shared = objects.clone();
    let open = move |ctx: Ctx<'js>, parent: u32, Text(name): Text| {
        check_own(&ctx, &shared, parent, KIND)?;
        let FacetPlace { slot, breaks, fresh } = shared.open_facet(Slot(parent), &name);
        Ok::<_, rquickjs::Error>(List((slot.0, breaks, fresh)))
    };
    host.set("openFacet", Function::new(ctx.clone(), open)?)?;
    let shared = objects.clone();
    let start = move |ctx: Ctx<'js>, slot: u32, breaks: u32, class: String| {
        let started = shared.start_facet(Slot(slot), breaks, &class);
        started.map_err(|error| throw(&ctx, &OpError::new(error.to_string())))
    };
    host.set("startFacet", Function::new(ctx.clone(), start)?)?;
    let shared = objects.clone();
    let fail = move |ctx: Ctx<'js>, slot: u32, breaks: u32, error: Value<'js>| {
        shared.fail_facet(Slot(slot), breaks, reason(&ctx, &shared.host, &error));
    };
    host.set("failFacet", Function::new(ctx.clone(), fail)?)?;
    install_ends(ctx, host, objects)
}

fn install_ends<'js>(ctx: &Ctx<'js>, host: &Object<'js>, objects: &Rc<Objects>) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let abort = move |ctx: Ctx<'js>, parent: u32, Text(name): Text, thrown: Value<'js>| {
        check_own(&ctx, &shared, parent, KIND)?;
        shared.abort_facet(Slot(parent), &name, &reason(&ctx, &shared.host, &thrown));
        Ok::<_, rquickjs::Error>(())
    };
    host.set("abortFacet", Function::new(ctx.clone(), abort)?)?;
    let shared = objects.clone();
    let delete = move |ctx: Ctx<'js>, parent: u32, Text(name): Text| {
        check_own(&ctx, &shared, parent, KIND)?;
        let done = shared.delete_facet(Slot(parent), &name);
        check(&ctx, &shared, parent, done)
    };
    host.set("deleteFacet", Function::new(ctx.clone(), delete)?)?;
    let shared = objects.clone();
    let clone = move |ctx: Ctx<'js>, parent: u32, Text(from): Text, Text(to): Text| {
        check_own(&ctx, &shared, parent, KIND)?;
        let done = shared.clone_facet(Slot(parent), &from, &to);
        check(&ctx, &shared, parent, done)
    };
    host.set("cloneFacet", Function::new(ctx.clone(), clone)?)
}

/// A failing disk resets the parent, as it does for its own data.
fn check(
    ctx: &Ctx<'_>,
    objects: &Objects,
    parent: u32,
    done: Result<(), CommitError>,
) -> rquickjs::Result<()> {
    done.map_err(|error| reset(ctx, objects, parent, error.to_string()))
}

/// What the parent threw or gave, for who calls the facet: its own error, not one of the other side.
fn reason<'js>(ctx: &Ctx<'js>, host: &Host, thrown: &Value<'js>) -> Failure {
    let mut failure = failure_of(ctx, host, thrown);
    failure.flags.clear();
    failure
}
