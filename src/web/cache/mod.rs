//! `caches`: responses kept under the state directory, one file per entry.
//!
//! An entry is a line of JSON (what JavaScript needs to answer) and the body. A file is written whole and then
//! renamed into its place, so that a reader never sees half of one. Ours alone: wrangler's cache is not read,
//! because nothing in a cache is worth carrying over. Without a state directory entries live in memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rquickjs::{ArrayBuffer, Ctx, Function, IntoJs, Object, Result, Value};
use sha2::{Digest as _, Sha256};

use crate::base::limits::CACHE_BODY_BYTES_MAX;
use crate::engine::bytes::copy_bytes;
use crate::engine::exception::throw;
use crate::engine::http::usual_reason;
use crate::engine::{Extension, Host, OpError};

/// `host.cacheRead`, `host.cacheWrite` and `host.cacheDelete`; the classes are loaded when used.
pub const EXTENSION: Extension = Extension { install, eager: &[], public: &[] };

/// A line of JSON and a body.
type Entry = (String, Vec<u8>);

/// Entries of isolates without a state directory, by name of the cache and key.
type Memory = RefCell<HashMap<(String, String), Entry>>;

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, shared: &Rc<Host>) -> Result<()> {
    let memory = Rc::new(Memory::default());
    let (weak, kept) = (Rc::downgrade(shared), memory.clone());
    let read = move |ctx: Ctx<'js>, cache: String, key: String| -> Result<Value<'js>> {
        let directory = weak.upgrade().and_then(|host| host.own_dir());
        let found = match directory {
            Some(directory) => read_file(&path_of(&directory, &cache, &key)),
            None => kept.borrow().get(&(cache, key)).cloned(),
        };
        let Some((head, body)) = found else { return Ok(Value::new_undefined(ctx)) };
        let entry = Object::new(ctx.clone())?;
        entry.set("head", head)?;
        entry.set("body", ArrayBuffer::new_copy(ctx.clone(), body)?)?;
        entry.into_js(&ctx)
    };
    host.set("cacheRead", Function::new(ctx.clone(), read)?)?;
    let (weak, kept) = (Rc::downgrade(shared), memory.clone());
    let write =
        move |ctx: Ctx<'js>, cache: String, key: String, head: String, body: Value<'js>| -> Result<()> {
            let body = copy_bytes(&body).unwrap_or_default();
            // Fidelity: the platform drops what is too large, and says nothing.
            if body.len() > CACHE_BODY_BYTES_MAX {
                return Ok(());
            }
            match weak.upgrade().and_then(|host| host.own_dir()) {
                Some(directory) => {
                    write_file(&path_of(&directory, &cache, &key), &head, &body).map_err(|error| {
                        throw(&ctx, &OpError::new(format!("the cache cannot be written: {error}")))
                    })
                }
                None => {
                    kept.borrow_mut().insert((cache, key), (head, body));
                    Ok(())
                }
            }
        };
    host.set("cacheWrite", Function::new(ctx.clone(), write)?)?;
    let weak = Rc::downgrade(shared);
    let delete = move |cache: String, key: String| match weak.upgrade().and_then(|host| host.own_dir()) {
        Some(directory) => fs::remove_file(path_of(&directory, &cache, &key)).is_ok(),
        None => memory.borrow_mut().remove(&(cache, key)).is_some(),
    };
    host.set("cacheDelete", Function::new(ctx.clone(), delete)?)?;
    // usualReason(status)
    host.set("usualReason", Function::new(ctx.clone(), usual_reason)?)
}

/// Names of caches and keys may hold anything: files are named after their hashes.
fn path_of(own_dir: &Path, cache: &str, key: &str) -> PathBuf {
    let hash = |text: &str| format!("{:x}", Sha256::digest(text.as_bytes()));
    own_dir.join("cache").join(&hash(cache)[..16]).join(hash(key))
}

fn read_file(path: &Path) -> Option<Entry> {
    let mut bytes = fs::read(path).ok()?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let body = bytes.split_off(end + 1);
    bytes.pop();
    Some((String::from_utf8(bytes).ok()?, body))
}

fn write_file(path: &Path, head: &str, body: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().expect("an entry lies in its cache's directory");
    fs::create_dir_all(directory)?;
    let new = path.with_extension("new");
    let mut file = fs::File::create(&new)?;
    file.write_all(head.as_bytes())?;
    file.write_all(b"\n")?;
    file.write_all(body)?;
    drop(file);
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = path_of(directory.path(), "a/../b", "http://x/?\n");
        assert!(path.starts_with(directory.path().join("cache")));
        assert_eq!(read_file(&path), None);
        for body in [&b""[..], b"one\ntwo", b"\xff\n"] {
            write_file(&path, "{}", body).expect("a writable directory");
            assert_eq!(read_file(&path), Some(("{}".to_owned(), body.to_vec())));
        }
        fs::write(&path, "no line").expect("a writable directory");
        assert_eq!(read_file(&path), None);
    }
}
