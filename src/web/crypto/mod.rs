//! Web Crypto: hashes, ciphers, signatures, key agreement, and randomness.
//!
//! Operations take and give bytes; keys, usages and messages are JavaScript's part. A key is bytes in
//! JavaScript too, so that nothing here has to be freed.

mod aes;
mod checksum;
mod ciphers;
mod curves;
mod der;
mod hash;
mod primes;
mod random;
mod rsa;
mod scrypt;

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::{ArrayBuffer, Ctx, Function, IntoJs, Object, Result, Value};
use sha2::digest::DynDigest;

use crate::engine::bytes::{copy_bytes, with_bytes};
use crate::engine::exception::throw;
use crate::engine::{Extension, Host, OpError};

use checksum::Checksum;
use hash::Hash;

pub use random::new_uuid;

/// `crypto` and the operations that its classes use.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/crypto"], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, engine: &Rc<Host>) -> Result<()> {
    let own = engine.clone();
    let random_bytes = move |ctx: Ctx<'js>, length: u32| {
        own.require_event(&ctx)?;
        random::random_bytes(ctx, length)
    };
    host.set("randomBytes", Function::new(ctx.clone(), random_bytes)?)?;
    let own = engine.clone();
    let random_uuid = move |ctx: Ctx<'js>| {
        own.require_event(&ctx)?;
        random::random_uuid(ctx)
    };
    host.set("randomUuid", Function::new(ctx.clone(), random_uuid)?)?;
    host.set("digest", Function::new(ctx.clone(), digest)?)?;
    host.set("makeHash", Function::new(ctx.clone(), make_hash)?)?;
    host.set("makeChecksum", Function::new(ctx.clone(), make_checksum)?)?;
    host.set("crc32", Function::new(ctx.clone(), crc32)?)?;
    host.set("hmac", Function::new(ctx.clone(), hmac)?)?;
    host.set("pbkdf2", Function::new(ctx.clone(), pbkdf2)?)?;
    host.set("hkdf", Function::new(ctx.clone(), hkdf)?)?;
    host.set("scrypt", Function::new(ctx.clone(), scrypt_op)?)?;
    host.set("ciphers", Function::new(ctx.clone(), ciphers::make)?)?;
    host.set("equalBytes", Function::new(ctx.clone(), equal_bytes)?)
}

fn parse(ctx: &Ctx<'_>, name: &str) -> Result<Hash> {
    Hash::parse(name).ok_or_else(|| throw(ctx, &OpError::of("TypeError", format!("no hash `{name}`"))))
}

/// The bytes of a buffer or view; a detached one has none.
fn bytes(value: &Value<'_>) -> Vec<u8> {
    copy_bytes(value).unwrap_or_default()
}

fn digest<'js>(ctx: Ctx<'js>, name: String, data: Value<'js>) -> Result<ArrayBuffer<'js>> {
    let hash = parse(&ctx, &name)?;
    let digest = with_bytes(&data, |bytes| hash.digest(bytes)).unwrap_or_else(|| hash.digest(&[]));
    ArrayBuffer::new_copy(ctx, digest)
}

fn scrypt_op<'js>(
    ctx: Ctx<'js>,
    password: Value<'js>,
    salt: Value<'js>,
    cost: u32,
    block: u32,
    lanes: u32,
    length: usize,
) -> Result<ArrayBuffer<'js>> {
    let key = scrypt::derive(&bytes(&password), &bytes(&salt), cost, block as usize, lanes as usize, length);
    ArrayBuffer::new(ctx, key)
}

/// A function that takes bytes, gives the hash of all of them when it is called with `undefined`, and
/// another function with a state of its own when it is called with `null`.
fn make_hash<'js>(ctx: Ctx<'js>, name: String) -> Result<Function<'js>> {
    let running = parse(&ctx, &name)?.start();
    hash_function(ctx, running)
}

/// The same for a checksum; `undefined` if there is none of this name.
fn make_checksum<'js>(ctx: Ctx<'js>, name: String) -> Result<Option<Function<'js>>> {
    Checksum::parse(&name).map(|running| hash_function(ctx, Box::new(running))).transpose()
}

/// The CRC-32 of `data` after bytes whose CRC-32 is `start`.
fn crc32(data: Value<'_>, start: u32) -> u32 {
    with_bytes(&data, |bytes| checksum::crc32(start, bytes)).unwrap_or(start)
}

fn hash_function<'js>(ctx: Ctx<'js>, running: Box<dyn DynDigest>) -> Result<Function<'js>> {
    let running = RefCell::new(running);
    let update = move |ctx: Ctx<'js>, data: Value<'js>| -> Result<Value<'js>> {
        let mut running = running.borrow_mut();
        if data.is_undefined() {
            return ArrayBuffer::new_copy(ctx.clone(), running.finalize_reset())?.into_js(&ctx);
        }
        if data.is_null() {
            return Ok(hash_function(ctx, running.box_clone())?.into_value());
        }
        with_bytes(&data, |bytes| running.update(bytes));
        Ok(Value::new_undefined(ctx))
    };
    Function::new(ctx, update)
}

fn hmac<'js>(ctx: Ctx<'js>, name: String, key: Value<'js>, data: Value<'js>) -> Result<ArrayBuffer<'js>> {
    let hash = parse(&ctx, &name)?;
    ArrayBuffer::new_copy(ctx, hash.hmac(&bytes(&key), &bytes(&data)))
}

fn pbkdf2<'js>(
    ctx: Ctx<'js>,
    name: String,
    password: Value<'js>,
    salt: Value<'js>,
    iterations: u32,
    length_bytes: u32,
) -> Result<ArrayBuffer<'js>> {
    let hash = parse(&ctx, &name)?;
    let derived = hash.pbkdf2(&bytes(&password), &bytes(&salt), iterations, length_bytes as usize);
    ArrayBuffer::new_copy(ctx, derived)
}

/// HKDF's bytes, or `undefined` if more are wanted than it can give.
fn hkdf<'js>(
    ctx: Ctx<'js>,
    name: String,
    secret: Value<'js>,
    salt: Value<'js>,
    info: Value<'js>,
    length_bytes: u32,
) -> Result<Option<ArrayBuffer<'js>>> {
    let hash = parse(&ctx, &name)?;
    let derived = hash.hkdf(&bytes(&secret), &bytes(&salt), &bytes(&info), length_bytes as usize);
    derived.map(|derived| ArrayBuffer::new_copy(ctx, derived)).transpose()
}

fn equal_bytes<'js>(a: Value<'js>, b: Value<'js>) -> bool {
    hash::equal(&bytes(&a), &bytes(&b))
}
