//! `Intl` and the `toLocale*` methods: ECMA-402 as the platform's engine (V8 with ICU 78) does it.
//!
//! The protocol and the formats are JavaScript over CLDR's locale data (`data`); what needs algorithms on tables (collation,
//! segmentation, case, likely subtags, canonical tags) is ICU4X's, the rules of time zones are jiff's. Nothing of it is
//! evaluated before `Intl` or one of the methods is first used: until then it is one function and a handful of methods.

mod calendar;
mod case;
mod collate;
mod data;
mod locale;
mod segment;
#[cfg(test)]
mod tests;
mod zone;

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result};

use crate::engine::{Extension, Host};

/// `host.intl()`: the operations, made when they are asked for; and the methods of numbers, dates, strings and arrays.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/intl/methods"], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, _: &Rc<Host>) -> Result<()> {
    host.set("intl", Function::new(ctx.clone(), operations)?)
}

fn operations(ctx: Ctx<'_>) -> Result<Object<'_>> {
    let object = Object::new(ctx.clone())?;
    object.set("data", Function::new(ctx.clone(), data::section)?)?;
    object.set("canonicalTag", Function::new(ctx.clone(), locale::canonical)?)?;
    object.set("maximize", Function::new(ctx.clone(), locale::maximize)?)?;
    object.set("minimize", Function::new(ctx.clone(), locale::minimize)?)?;
    object.set("zoneName", Function::new(ctx.clone(), zone::name)?)?;
    object.set("zoneNames", Function::new(ctx.clone(), zone::names)?)?;
    object.set("zoneOffset", Function::new(ctx.clone(), zone::offset)?)?;
    object.set("zoneKeepsOffset", Function::new(ctx.clone(), zone::keeps_offset)?)?;
    object.set("calendarDay", Function::new(ctx.clone(), calendar::day)?)?;
    object.set("changeCase", Function::new(ctx.clone(), case::change)?)?;
    object.set("segments", Function::new(ctx.clone(), segment::segments)?)?;
    collate::install(&ctx, &object)?;
    Ok(object)
}
