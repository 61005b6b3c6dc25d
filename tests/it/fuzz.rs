//! Bounded runs of the fuzz targets: small samples, changed in the same ways in every run.
//!
//! `DODEV_FUZZ=1000000` tries so many changes of each, `DODEV_FUZZ_SEED=7` other ones; the targets in `fuzz/` look further, with
//! cargo-fuzz. Samples are committed in `fuzz/seeds`.

use std::fs;

use dodev::bundle::check_source_map;
use dodev::project::check_jsonc;
use dodev::server::check_heads;
use dodev::web::bytes::check_multipart;
use dodev::web::web_socket::check_frames;

use crate::project::repository;

/// Changes of each target in a run with every test.
const CHANGES: u64 = 20_000;

/// Numbers that look random and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).expect("below a usize")
    }
}

/// Lets `check` see the samples as they are, and changed: bytes flipped, left out, put in, repeated, joined with others.
fn run(check: fn(&[u8]), samples: &[&[u8]], bytes: &[u8]) {
    let asked = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let changes = asked("DODEV_FUZZ").unwrap_or(CHANGES);
    samples.iter().for_each(|sample| check(sample));
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ asked("DODEV_FUZZ_SEED").unwrap_or(0).rotate_left(17));
    for _ in 0..changes {
        let mut sample = samples[chance.below(samples.len())].to_vec();
        for _ in 0..=chance.below(4) {
            let at = chance.below(sample.len());
            match chance.below(6) {
                0 if !sample.is_empty() => sample[at] ^= 1 << chance.below(8),
                1 => sample.truncate(at),
                2 => sample.insert(at, bytes[chance.below(bytes.len())]),
                3 => drop(sample.drain(at..(at + chance.below(8)).min(sample.len()))),
                4 => sample.extend_from_within(at..),
                _ => {
                    let other = samples[chance.below(samples.len())];
                    sample.extend_from_slice(&other[chance.below(other.len())..]);
                }
            }
        }
        check(&sample);
    }
}

#[test]
fn forms_are_read_or_refused() {
    let field = b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n--b--\r\n";
    let file = b"--b\r\nContent-Disposition: form-data; name=\"f\\\"\"; filename=\"x\"\r\nContent-Type: text/plain\r\n\r\n\0\xff\r\n--b\n\
                 Content-Disposition: form-data; name=\"g\"\n\n\n--b--";
    run_seeds("multipart", check_multipart, b"\r\n-b\";:=\\\0\xff ");
    run(check_multipart, &[field, file, b"--b--", b"--"], b"\r\n-b\";:=\\\0\xff ");
}

#[test]
fn frames_in_pieces_are_the_same_frames() {
    let text = [0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2];
    let parts = [0x01, 0x81, 0, 0, 0, 0, b'a', 0x89, 0x80, 0, 0, 0, 0, 0x80, 0x81, 0, 0, 0, 0, b'b'];
    let close = [0x88, 0x85, 0, 0, 0, 0, 0x03, 0xe8, b'b', b'y', b'e'];
    let long = [&[0x82, 0xfe, 0x00, 0x80, 9, 9, 9, 9][..], &[7; 128]].concat();
    run_seeds("frames", check_frames, &[0x00, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0x7e, 0xfe, 0xff]);
    run(
        check_frames,
        &[&text, &parts, &close, &long],
        &[0x00, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0x7e, 0xfe, 0xff],
    );
}

#[test]
fn source_maps_are_read_or_passed_over() {
    let map = br#"{"version":3,"sources":["a.ts","../b.ts"],"sourcesContent":["let a;\nb();",null],"names":["a"],"mappings":"AAAAA,IACE;;AADFA,CCAA"}"#;
    let parts = br#"{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":{"version":3,"sources":[],"names":[],"mappings":""}}]}"#;
    run_seeds("source_map", check_source_map, b"{}[]\",:;AgZ/+9\\u0-");
    run(check_source_map, &[map, parts, b"{}", b"[1,2"], b"{}[]\",:;AgZ/+9\\u0-");
}

/// The committed samples of a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = fs::read_dir(repository().join("fuzz/seeds").join(target)).expect("the target has seeds");
    let mut paths: Vec<_> = folder.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a readable file")).collect()
}

/// The same with the committed samples of `target`.
fn run_seeds(target: &str, check: fn(&[u8]), bytes: &[u8]) {
    let samples = seeds(target);
    let samples: Vec<&[u8]> = samples.iter().map(Vec::as_slice).collect();
    run(check, &samples, bytes);
}

#[test]
fn configurations_have_places_or_mistakes() {
    run_seeds("jsonc", |bytes| check_jsonc(&String::from_utf8_lossy(bytes)), b"{}[]\",:/*\\u0-.e\n\xc3");
}

#[test]
fn heads_are_sound_or_refused() {
    run_seeds("heads", check_heads, b"\r\n :;,/?#%.@[]\\\0\t0A\xff");
}

#[test]
fn stored_values_are_read_or_refused() {
    run_seeds("codec", dodev::codec::check, b"\x0f\xff\0ocSTUNIDA$@{}:;\"%a\x01\x80");
}

#[test]
fn statements_are_left_alone_or_understood() {
    let check = |bytes: &[u8]| dodev::storage::check_sql(&String::from_utf8_lossy(bytes));
    run_seeds("sql", check, b"'\"`[];-/*()_cf= \n\xc3");
}

#[test]
fn every_target_has_seeds_and_a_bounded_run() {
    let mut targets: Vec<String> = fs::read_dir(repository().join("fuzz/fuzz_targets"))
        .expect("there are targets")
        .map(|entry| {
            entry.expect("a readable folder").path().file_stem().expect("a name").to_string_lossy().into()
        })
        .collect();
    targets.sort();
    assert_eq!(targets, ["codec", "frames", "heads", "jsonc", "multipart", "source_map", "sql"]);
    for target in targets {
        assert!(!seeds(&target).is_empty(), "{target} has no seeds");
    }
}
