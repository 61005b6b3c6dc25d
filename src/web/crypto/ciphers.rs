//! What JavaScript calls of AES, RSA and the curves: one object of functions, made when a program first
//! uses `crypto.subtle`. Bytes come in and go out; `undefined` says that they do not fit together.

use rquickjs::prelude::Opt;
use rquickjs::{ArrayBuffer, Ctx, Function, IntoJs, Object, Result, Value};

use crate::engine::OpError;
use crate::engine::exception::throw;

use ::rsa::rand_core::RngCore;

use super::der::Kind;
use super::random::Random;
use super::rsa::Padding;
use super::{aes, bytes, curves::Curve, der, parse, primes, rsa};

type Bytes<'js> = Result<Option<ArrayBuffer<'js>>>;

fn give<'js>(ctx: &Ctx<'js>, found: Option<Vec<u8>>) -> Bytes<'js> {
    found.map(|bytes| ArrayBuffer::new_copy(ctx.clone(), bytes)).transpose()
}

fn curve(ctx: &Ctx<'_>, name: &str) -> Result<Curve> {
    Curve::parse(name).ok_or_else(|| throw(ctx, &OpError::of("TypeError", format!("no curve `{name}`"))))
}

fn kind(ctx: &Ctx<'_>, name: &str) -> Result<Kind> {
    Kind::parse(name).ok_or_else(|| throw(ctx, &OpError::of("TypeError", format!("no kind of key `{name}`"))))
}

/// The object of all functions.
pub fn make<'js>(ctx: Ctx<'js>) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    add_aes(&ctx, &object)?;
    add_keys(&ctx, &object)?;
    add_curves(&ctx, &object)?;
    add_rsa(&ctx, &object)?;
    add_primes(&ctx, &object)?;
    Ok(object)
}

fn add_aes<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<()> {
    let cbc = |ctx: Ctx<'js>, sealing: bool, key: Value<'js>, iv: Value<'js>, data: Value<'js>| {
        let run = if sealing { aes::cbc_encrypt } else { aes::cbc_decrypt };
        give(&ctx, run(&bytes(&key), &bytes(&iv), &bytes(&data)))
    };
    object.set("cbc", Function::new(ctx.clone(), cbc)?)?;
    let ctr = |ctx: Ctx<'js>, key: Value<'js>, counter: Value<'js>, bits: u32, data: Value<'js>| {
        give(&ctx, aes::ctr(&bytes(&key), &bytes(&counter), bits, &bytes(&data)))
    };
    object.set("ctr", Function::new(ctx.clone(), ctr)?)?;
    let gcm = |ctx: Ctx<'js>,
               sealing: bool,
               key: Value<'js>,
               iv: Value<'js>,
               aad: Value<'js>,
               tag: u32,
               data: Value<'js>| {
        let run = if sealing { aes::gcm_encrypt } else { aes::gcm_decrypt };
        give(&ctx, run(&bytes(&key), &bytes(&iv), &bytes(&aad), tag as usize, &bytes(&data)))
    };
    object.set("gcm", Function::new(ctx.clone(), gcm)?)?;
    let wrap = |ctx: Ctx<'js>, sealing: bool, key: Value<'js>, data: Value<'js>| {
        let run = if sealing { aes::wrap } else { aes::unwrap };
        give(&ctx, run(&bytes(&key), &bytes(&data)))
    };
    object.set("wrap", Function::new(ctx.clone(), wrap)?)
}

/// A key that was read: its kind, its bytes, and how many bytes followed it.
fn give_key<'js>(ctx: &Ctx<'js>, found: Option<(Kind, Vec<u8>, usize)>) -> Result<Value<'js>> {
    let Some((kind, key, left)) = found else { return Ok(Value::new_undefined(ctx.clone())) };
    let object = Object::new(ctx.clone())?;
    object.set("kind", kind.name())?;
    object.set("key", ArrayBuffer::new_copy(ctx.clone(), key)?)?;
    object.set("left", u32::try_from(left).unwrap_or(u32::MAX))?;
    object.into_js(ctx)
}

fn add_keys<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<()> {
    let read = |ctx: Ctx<'js>, private: bool, data: Value<'js>| -> Result<Value<'js>> {
        let run = if private { der::read_pkcs8 } else { der::read_spki };
        let found = run(&bytes(&data));
        let usable = |(found, key, _): &(Kind, Vec<u8>, usize)| {
            !(private && *found == Kind::Rsa) || rsa::is_private(key)
        };
        give_key(&ctx, found.filter(usable))
    };
    object.set("readDer", Function::new(ctx.clone(), read)?)?;
    let write = |ctx: Ctx<'js>, private: bool, name: String, key: Value<'js>| -> Bytes<'js> {
        let (kind, key) = (kind(&ctx, &name)?, bytes(&key));
        give(&ctx, if private { der::write_pkcs8(kind, &key) } else { Some(der::write_spki(kind, &key)) })
    };
    object.set("writeDer", Function::new(ctx.clone(), write)?)?;
    let public = |ctx: Ctx<'js>, name: String, key: Value<'js>| -> Bytes<'js> {
        let key = bytes(&key);
        let public = match kind(&ctx, &name)? {
            Kind::Rsa => rsa::public_of(&key),
            Kind::Curve(curve) => curve.public(&key),
        };
        give(&ctx, public)
    };
    object.set("publicOf", Function::new(ctx.clone(), public)?)
}

fn add_curves<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<()> {
    let generate = |ctx: Ctx<'js>, name: String| -> Bytes<'js> {
        let key = curve(&ctx, &name)?.generate(&mut Random);
        give(&ctx, Some(key))
    };
    object.set("curveKey", Function::new(ctx.clone(), generate)?)?;
    let point = |ctx: Ctx<'js>, name: String, x: Value<'js>, y: Opt<Value<'js>>| -> Bytes<'js> {
        let curve = curve(&ctx, &name)?;
        give(
            &ctx,
            match y.0 {
                Some(y) => curve.point_at(&bytes(&x), &bytes(&y)),
                None => curve.point(&bytes(&x)),
            },
        )
    };
    object.set("point", Function::new(ctx.clone(), point)?)?;
    let scalar = |ctx: Ctx<'js>, name: String, key: Value<'js>| -> Bytes<'js> {
        let scalar = curve(&ctx, &name)?.scalar(&bytes(&key));
        give(&ctx, scalar)
    };
    object.set("scalar", Function::new(ctx.clone(), scalar)?)?;
    let sign = |ctx: Ctx<'js>, name: String, key: Value<'js>, data: Value<'js>| -> Bytes<'js> {
        let signature = curve(&ctx, &name)?.sign(&bytes(&key), &bytes(&data), &mut Random);
        give(&ctx, signature)
    };
    object.set("curveSign", Function::new(ctx.clone(), sign)?)?;
    let verify = |ctx: Ctx<'js>,
                  name: String,
                  key: Value<'js>,
                  signature: Value<'js>,
                  data: Value<'js>|
     -> Result<bool> {
        Ok(curve(&ctx, &name)?.verify(&bytes(&key), &bytes(&data), &bytes(&signature)))
    };
    object.set("curveVerify", Function::new(ctx.clone(), verify)?)?;
    let agree = |ctx: Ctx<'js>, name: String, secret: Value<'js>, public: Value<'js>| -> Bytes<'js> {
        let shared = curve(&ctx, &name)?.agree(&bytes(&secret), &bytes(&public));
        give(&ctx, shared)
    };
    object.set("agree", Function::new(ctx.clone(), agree)?)
}

fn add_primes<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<()> {
    let power = |ctx: Ctx<'js>, base: Value<'js>, exponent: Value<'js>, modulus: Value<'js>| {
        give(&ctx, primes::power(&bytes(&base), &bytes(&exponent), &bytes(&modulus)))
    };
    object.set("power", Function::new(ctx.clone(), power)?)?;
    let is_prime = |number: Value<'js>, rounds: u32| primes::is_prime(&bytes(&number), rounds as usize);
    object.set("isPrime", Function::new(ctx.clone(), is_prime)?)?;
    let generate = |ctx: Ctx<'js>, bits: u32, safe: bool, step: Opt<u32>, rest: Opt<u32>| {
        let step = step.0.zip(rest.0);
        give(&ctx, primes::generate(bits as usize, safe, step, |bytes| Random.fill_bytes(bytes)))
    };
    object.set("prime", Function::new(ctx.clone(), generate)?)
}

/// `undefined` stands for PKCS #1, a number for PSS with so many bytes of salt.
fn padding(salt: Option<u32>) -> Padding {
    salt.map_or(Padding::Pkcs1, |salt| Padding::Pss(salt as usize))
}

fn add_rsa<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<()> {
    object.set("privateModulusMax", u32::try_from(rsa::PRIVATE_MODULUS_MAX).expect("a few thousand bits"))?;
    let generate = |ctx: Ctx<'js>, bits: u32, exponent: u32| {
        give(&ctx, rsa::generate(bits as usize, exponent, &mut Random))
    };
    object.set("rsaKey", Function::new(ctx.clone(), generate)?)?;
    let public = |ctx: Ctx<'js>, n: Value<'js>, e: Value<'js>| {
        ArrayBuffer::new_copy(ctx, der::write_rsa_public(&bytes(&n), &bytes(&e)))
    };
    object.set("rsaPublic", Function::new(ctx.clone(), public)?)?;
    let private =
        |ctx: Ctx<'js>, n: Value<'js>, e: Value<'js>, d: Value<'js>, p: Value<'js>, q: Value<'js>| {
            let (p, q) = ((!p.is_undefined()).then(|| bytes(&p)), bytes(&q));
            let primes = p.as_deref().map(|p| (p, q.as_slice()));
            give(&ctx, rsa::make_private(&bytes(&n), &bytes(&e), &bytes(&d), primes))
        };
    object.set("rsaPrivate", Function::new(ctx.clone(), private)?)?;
    let numbers = |ctx: Ctx<'js>, private: bool, key: Value<'js>| -> Result<Vec<ArrayBuffer<'js>>> {
        let key = bytes(&key);
        let numbers = match private {
            true => der::read_rsa_private(&key).map(|numbers| numbers.to_vec()),
            false => der::read_rsa_public(&key).map(|numbers| numbers.to_vec()),
        };
        numbers
            .unwrap_or_default()
            .into_iter()
            .map(|number| ArrayBuffer::new_copy(ctx.clone(), number))
            .collect()
    };
    object.set("rsaNumbers", Function::new(ctx.clone(), numbers)?)?;
    let sign =
        |ctx: Ctx<'js>, key: Value<'js>, hash: String, salt: Option<u32>, data: Value<'js>| -> Bytes<'js> {
            let signature =
                rsa::sign(&bytes(&key), parse(&ctx, &hash)?, padding(salt), &bytes(&data), &mut Random);
            give(&ctx, signature)
        };
    object.set("rsaSign", Function::new(ctx.clone(), sign)?)?;
    let verify = |ctx: Ctx<'js>,
                  key: Value<'js>,
                  hash: String,
                  salt: Option<u32>,
                  signature: Value<'js>,
                  data: Value<'js>|
     -> Result<bool> {
        let hash = parse(&ctx, &hash)?;
        Ok(rsa::verify(&bytes(&key), hash, padding(salt), &bytes(&signature), &bytes(&data)))
    };
    object.set("rsaVerify", Function::new(ctx.clone(), verify)?)?;
    let bare = |ctx: Ctx<'js>, key: Value<'js>, data: Value<'js>| {
        give(&ctx, rsa::apply_private(&bytes(&key), &bytes(&data), &mut Random))
    };
    object.set("rsaBare", Function::new(ctx.clone(), bare)?)?;
    let oaep = |ctx: Ctx<'js>,
                sealing: bool,
                key: Value<'js>,
                hash: String,
                label: Value<'js>,
                data: Value<'js>|
     -> Bytes<'js> {
        let (key, hash, label, data) = (bytes(&key), parse(&ctx, &hash)?, bytes(&label), bytes(&data));
        give(
            &ctx,
            match sealing {
                true => rsa::oaep_encrypt(&key, hash, &label, &data, &mut Random),
                false => rsa::oaep_decrypt(&key, hash, &label, &data, &mut Random),
            },
        )
    };
    object.set("oaep", Function::new(ctx.clone(), oaep)?)
}
