//! Values on their way between JavaScript and WebAssembly.
//!
//! Fidelity: `ToWebAssemblyValue` and `ToJSValue` of the JavaScript API's specification, with V8's texts.

use rquickjs::{Array, BigInt, Coerced, Ctx, Function, Object, Result, Value};
use wasmi::{Nullable, Val, ValType};

use super::group::{Group, number, place_of};
use crate::engine::OpError;
use crate::engine::exception::throw;

/// A group as both sides see it.
pub(super) struct Sides<'a, 'js> {
    pub ctx: &'a Ctx<'js>,
    pub group: &'a Group,
    /// JavaScript's object: `refs` is the list of lent values, `numberOf` gives the number of a function or -1, `functionOf` the
    /// function of a number, `toBigInt` what its name says.
    pub object: &'a Object<'js>,
}

/// The error for what the other side cannot have.
pub(super) fn incompatible(ctx: &Ctx<'_>) -> rquickjs::Error {
    throw(ctx, &OpError::of("TypeError", "type incompatibility when transforming from/to JS"))
}

impl<'js> Sides<'_, 'js> {
    /// `value` as one of `ty`; runs JavaScript.
    pub(super) fn to_wasm(&self, value: Value<'js>, ty: ValType) -> Result<Val> {
        Ok(match ty {
            ValType::I32 => match value.as_int() {
                Some(value) => Val::I32(value),
                None => Val::I32(self.coerce::<i32>(value)?),
            },
            ValType::F64 => Val::F64(self.number(value)?.into()),
            #[expect(clippy::cast_possible_truncation, reason = "the specification rounds")]
            ValType::F32 => Val::F32((self.number(value)? as f32).into()),
            ValType::I64 => {
                let to_big_int: Function<'js> = self.object.get("toBigInt")?;
                let value: BigInt<'js> = to_big_int.call((value,))?;
                Val::I64(value.to_i64()?)
            }
            ValType::FuncRef if value.is_null() => Val::FuncRef(Nullable::Null),
            ValType::FuncRef => {
                let number_of: Function<'js> = self.object.get("numberOf")?;
                let number: f64 = number_of.call((value,))?;
                let defined = self.group.defined.borrow();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it is a number of ours, or -1"
                )]
                let found = (number >= 0.0).then(|| defined.functions.get(&(number as u32))).flatten();
                Val::FuncRef(Nullable::Val(*found.ok_or_else(|| incompatible(self.ctx))?))
            }
            ValType::ExternRef if value.is_null() => Val::ExternRef(Nullable::Null),
            ValType::ExternRef => {
                let mut lent = self.group.lent.borrow_mut();
                let (place, reference) = self.group.store.work(self.ctx, |store| lent.take(store));
                drop(lent);
                let refs: Array<'js> = self.object.get("refs")?;
                refs.set(place as usize, value)?;
                Val::ExternRef(Nullable::Val(reference))
            }
            ValType::V128 => return Err(incompatible(self.ctx)),
        })
    }

    fn coerce<T>(&self, value: Value<'js>) -> Result<T>
    where
        Coerced<T>: rquickjs::FromJs<'js>,
    {
        if value.is_big_int() {
            let text = "Cannot convert a BigInt value to a number";
            return Err(throw(self.ctx, &OpError::of("TypeError", text)));
        }
        if value.is_symbol() {
            let text = "Cannot convert a Symbol value to a number";
            return Err(throw(self.ctx, &OpError::of("TypeError", text)));
        }
        Ok(value.get::<Coerced<T>>()?.0)
    }

    fn number(&self, value: Value<'js>) -> Result<f64> {
        match value.as_number() {
            Some(value) => Ok(value),
            None => self.coerce(value),
        }
    }

    /// `value` for JavaScript.
    pub(super) fn to_js(&self, value: &Val) -> Result<Value<'js>> {
        let ctx = self.ctx.clone();
        Ok(match *value {
            Val::I32(value) => Value::new_int(ctx, value),
            Val::I64(value) => BigInt::from_i64(ctx, value)?.into_value(),
            Val::F32(value) => Value::new_number(ctx, f64::from(f32::from(value))),
            Val::F64(value) => Value::new_number(ctx, f64::from(value)),
            Val::FuncRef(Nullable::Null) | Val::ExternRef(Nullable::Null) => Value::new_null(ctx),
            Val::FuncRef(Nullable::Val(function)) => {
                let number = number(&function);
                self.group.defined.borrow_mut().functions.insert(number, function);
                let function_of: Function<'js> = self.object.get("functionOf")?;
                function_of.call((number,))?
            }
            Val::ExternRef(Nullable::Val(reference)) => {
                let place = self.group.store.work(self.ctx, |store| place_of(store, reference));
                let refs: Array<'js> = self.object.get("refs")?;
                refs.get(place as usize)?
            }
            Val::V128(_) => return Err(incompatible(self.ctx)),
        })
    }

    /// All of `values` as `types` say; what is missing is `undefined`.
    pub(super) fn all_to_wasm(&self, values: &Array<'js>, types: &[ValType]) -> Result<Vec<Val>> {
        let convert = |(at, ty): (usize, &ValType)| self.to_wasm(values.get(at)?, *ty);
        types.iter().enumerate().map(convert).collect()
    }

    /// A list of `values`.
    pub(super) fn all_to_js(&self, values: &[Val]) -> Result<Array<'js>> {
        let array = Array::new(self.ctx.clone())?;
        for (at, value) in values.iter().enumerate() {
            array.set(at, self.to_js(value)?)?;
        }
        Ok(array)
    }
}
