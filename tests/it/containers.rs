//! Compressed files, archives and large files: what is in them is found, what is damaged, encrypted or
//! too much is listed, and every road gives one answer.

use std::fs;
use std::io::{Cursor, Write};
use std::process::{Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use zip::write::SimpleFileOptions;

use crate::plant::{Tree, expand};

/// A log of as many lines with one key in the line before the last.
fn log(lines: usize) -> Vec<u8> {
    let key = expand("failed: key=sk_live_{base62:24}", "containers");
    let end = |line| if line + 2 == lines { &key } else { "captured" };
    let line = |line| format!("2026-03-12T09:11:07Z INFO charge {line} {}\n", end(line));
    (0..lines).map(line).collect::<String>().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::default()).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A log that no form makes smaller than a MiB, with a key near its end.
fn noisy_log() -> Vec<u8> {
    let noise = (0..60_000).map(|line| expand("captured {hex:32} {base62:24}\n", &format!("noise {line}"))).collect::<String>();
    [noise.into_bytes(), log(3)].concat()
}

/// What `--format jsonl` said.
struct Said {
    code: Option<i32>,
    lines: Vec<Value>,
}

impl Said {
    fn new(output: &Output) -> Self {
        let text = std::str::from_utf8(&output.stdout).unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { code: output.status.code(), lines: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() }
    }

    fn of(tree: &Tree, args: &[&str]) -> Self {
        Self::new(&tree.keyfence(&[&["scan", "--format", "jsonl"], args].concat()))
    }

    fn kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(move |line| line["type"] == kind)
    }

    /// Path and line of each finding.
    fn found(&self) -> Vec<(String, u64)> {
        self.kind("finding").map(|line| (line["path"].as_str().unwrap().to_owned(), line["line"].as_u64().unwrap())).collect()
    }

    /// Path and reason of all that was skipped.
    fn skipped(&self) -> Vec<(String, String)> {
        let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
        self.kind("skipped").map(|line| (text(line, "path"), text(line, "why"))).collect()
    }

    fn summary(&self, key: &str) -> u64 {
        self.lines.last().unwrap()[key].as_u64().unwrap_or(0)
    }
}

fn on_stdin(tree: &Tree, bytes: &[u8]) -> Said {
    piped(tree, &[], bytes)
}

fn piped(tree: &Tree, args: &[&str], bytes: &[u8]) -> Said {
    let mut child = tree.start(&[&["scan", "-", "--format", "jsonl"], args].concat(), Stdio::piped());
    let mut stdin = child.stdin.take().unwrap();
    // Findings come while the input still goes in.
    std::thread::scope(|threads| {
        threads.spawn(move || stdin.write_all(bytes));
        Said::new(&child.wait_with_output().unwrap())
    })
}

/// The forms in which a rotated log is found on a disk, without and with a telling name.
fn forms() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let log = log(4000);
    let zip = zip_of(&[("logs/app.log", &log)]);
    let nested = zip_of(&[("a/inner.zip", &zip)]);
    vec![
        ("app.log", "", log.clone()),
        ("app.log.1", "", log.clone()),
        ("app.log.2.gz", "", gzip(&log)),
        ("app.log.gz", "", [gzip(&log[..9000]), gzip(&log[9000..]), vec![0; 512]].concat()),
        ("app.log.bz2", "", [bzip2(&log[..9000]), bzip2(&log[9000..])].concat()),
        ("app.log.xz", "", [xz(&log[..9000]), xz(&log[9000..])].concat()),
        ("app.log.zst", "", [zstd(&log[..9000]), b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec(), zstd(&log[9000..])].concat()),
        ("noext_gz", "", gzip(&log)),
        ("logs.zip", "!logs/app.log", zip.clone()),
        ("logs.tar", "!logs/app.log", tar_of(&[("logs/app.log", &log)])),
        ("logs.tar.gz", "!logs/app.log", gzip(&tar_of(&[("logs/app.log", &log)]))),
        ("nested.zip", "!a/inner.zip!logs/app.log", nested.clone()),
        ("two.tar.gz", "!backup/nested.zip!a/inner.zip!logs/app.log", gzip(&tar_of(&[("backup/nested.zip", &nested)]))),
        ("app.jar", "!logs/app.log", [b"#!/bin/sh\nexec java -jar $0\n".to_vec(), zip].concat()),
    ]
}

#[test]
fn every_form_of_a_rotated_log_is_read_from_files_and_pipes() {
    let tree = Tree::new();
    for (name, inside, bytes) in forms() {
        fs::write(tree.path().join(name), &bytes).unwrap();
        let said = Said::of(&tree, &[name]);
        assert_eq!(said.found(), [(format!("{name}{inside}"), 3999)], "{name}");
        assert_eq!((said.code, said.skipped()), (Some(1), vec![]), "{name}");
        assert_eq!((said.summary("files"), said.summary("bytes")), (1, bytes.len() as u64), "{name}");
        let kind = &said.kind("finding").next().unwrap()["place"]["kind"];
        assert_eq!(kind, "log", "{name}: the name of what is inside counts");
        let piped = on_stdin(&tree, &bytes);
        assert_eq!(piped.found(), [(format!("-{inside}"), 3999)], "{name} on standard input");
        assert_eq!(piped.summary("bytes"), bytes.len() as u64, "{name} on standard input");
    }
}

#[test]
fn what_is_undone_ahead_of_the_scan_reads_alike() {
    let log = noisy_log();
    for (name, bytes) in
        [("app.log.gz", gzip(&log)), ("app.log.zst", zstd(&log)), ("app.log.xz", xz(&log)), ("app.log.bz2", bzip2(&log))]
    {
        assert!(bytes.len() > 1 << 20, "{name}: {}", bytes.len());
        let tree = Tree::new();
        for (bytes, is_whole) in [(&bytes[..], true), (&bytes[..bytes.len() - bytes.len() / 20], false)] {
            fs::write(tree.path().join(name), bytes).unwrap();
            let said = ["1", "2"].map(|threads| Said::of(&tree, &[".", "--threads", threads]));
            let strip = |said: &Said| {
                let mut lines = said.lines.clone();
                // How much comes out before the damage depends on how much is asked for at a time.
                lines
                    .iter_mut()
                    .filter_map(Value::as_object_mut)
                    .filter(|_| !is_whole)
                    .for_each(|line| drop(line.remove("unpacked")));
                (said.code, lines)
            };
            assert_eq!(strip(&said[0]), strip(&said[1]), "{name}");
            assert_eq!((said[1].code, said[1].skipped().is_empty()), (Some(if is_whole { 1 } else { 3 }), is_whole), "{name}");
            assert_eq!(said[1].found().len(), usize::from(is_whole), "{name}");
            assert!(!is_whole || said[1].summary("unpacked") == log.len() as u64, "{name} {:?}", said[1].lines.last());
        }
    }
}

#[test]
fn members_are_counted_and_named() {
    let tree = Tree::new();
    let env = expand("STRIPE_SECRET_KEY=sk_live_{base62:24}\n", "env");
    let long = format!("{}.env", "folder/".repeat(30));
    let tar = tar_of(&[("deploy/.env.production", env.as_bytes()), (&long, env.as_bytes()), ("readme.txt", b"nothing")]);
    fs::write(tree.path().join("backup.tgz"), gzip(&tar)).unwrap();
    let said = Said::of(&tree, &["."]);
    let paths: Vec<_> = said.found().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["backup.tgz!deploy/.env.production".to_owned(), format!("backup.tgz!{long}")]);
    assert!(said.kind("finding").all(|finding| finding["place"]["kind"] == "dotenv"));
    assert_eq!((said.summary("files"), said.summary("members")), (1, 3));
    assert_eq!(said.summary("unpacked"), env.len() as u64 * 2 + 7, "the tar inside of the gzip does not count twice");
}

#[test]
fn a_member_may_be_named_like_a_key() {
    let tree = Tree::new();
    let name = expand("dump-sk_live_{base62:24}.txt", "name");
    fs::write(tree.path().join("a.zip"), zip_of(&[(&name, b"x")])).unwrap();
    let said = Said::of(&tree, &["a.zip"]);
    assert_eq!(said.kind("finding").count(), 1);
    assert_eq!(said.kind("finding").next().unwrap()["view"], "path");
}

#[test]
fn what_is_damaged_is_listed_with_what_was_found_before() {
    let tree = Tree::new();
    // The key stands at the beginning, and what follows does not shrink.
    let noise = expand("{base62:60000}", "noise");
    let text =
        [b"2026-03-12T09:11:07Z INFO ", expand("key=sk_live_{base62:24}\n", "damage").as_bytes(), noise.as_bytes()].concat();
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() * 3 / 4].to_vec();
    let tar = tar_of(&[("first.log", &text), ("second.log", noise.as_bytes())]);
    for (name, bytes, inside) in [
        ("a.gz", cut(gzip(&text)), ""),
        ("a.bz2", [bzip2(&text), b"BZ".to_vec()].concat(), ""),
        ("a.xz", [xz(&text), b"rest".to_vec()].concat(), ""),
        ("a.zst", [zstd(&text), b"rest".to_vec()].concat(), ""),
        ("a.tar", cut(tar.clone()), "!first.log"),
        ("a.tar.gz", cut(gzip(&tar)), "!first.log"),
        ("a.zip", cut(zip_of(&[("first.log", &text), ("second.log", noise.as_bytes())])), "!first.log"),
        ("behind.gz", [gzip(&text), b"something else".to_vec()].concat(), ""),
    ] {
        fs::write(tree.path().join(name), bytes).unwrap();
        let said = Said::of(&tree, &[name]);
        assert_eq!(said.found(), [(format!("{name}{inside}"), 1)], "{name}");
        assert!(!said.skipped().is_empty(), "{name}");
        for (path, why) in said.skipped() {
            assert!(path.starts_with(name) && why.contains("damaged"), "{path}: {why}");
        }
        assert_eq!(said.lines.last().unwrap()["complete"], false, "{name}");
    }
    let quiet = Said::of(&tree, &["a.gz", "--rule", "payca-client-secret"]);
    assert_eq!((quiet.code, quiet.found().len()), (Some(3), 0), "nothing found in half of a file is not clean");
}

#[test]
fn what_is_encrypted_or_not_opened_is_listed() {
    let tree = Tree::new();
    let mut locked = zip_of(&[("locked.txt", b"text"), ("open.txt", expand("k=sk_live_{base62:24}", "open").as_bytes())]);
    // Bit 0 of the flags, in the local header and in the directory.
    let directory = locked.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    (locked[6], locked[directory + 8]) = (locked[6] | 1, locked[directory + 8] | 1);
    fs::write(tree.path().join("locked.zip"), locked).unwrap();
    let said = Said::of(&tree, &["locked.zip"]);
    assert_eq!(said.skipped(), [("locked.zip!locked.txt".to_owned(), "encrypted".to_owned())]);
    assert_eq!(said.found(), [("locked.zip!open.txt".to_owned(), 1)]);
    fs::write(tree.path().join("a.7z"), b"7z\xbc\xaf\x27\x1c\0\x04").unwrap();
    let sealed = Said::of(&tree, &["a.7z"]);
    assert_eq!((sealed.code, sealed.skipped().len()), (Some(3), 1));
}

/// Damage anywhere: nothing panics, and what is checked by its form is found or listed.
#[test]
fn damaged_bytes_never_look_clean() {
    let rounds = std::env::var("KEYFENCE_FUZZ").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(150);
    let settings = crate::oracle::settings();
    let log = log(40);
    let zip = zip_of(&[("logs/app.log", &log)]);
    let nested = gzip(&tar_of(&[("a.zip", &zip), ("b.log.xz", &xz(&log)), ("c.bz2", &bzip2(&log)), ("d.zst", &zstd(&log))]));
    let forms = [gzip(&log), bzip2(&log), xz(&log), zstd(&log), zip, tar_of(&[("app.log", &log)]), nested];
    let mut random = 7u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % below
    };
    for (form, bytes) in forms.iter().enumerate() {
        for round in 0..rounds {
            let mut bytes = bytes.clone();
            match next(4) {
                0 => bytes.truncate(16 + next(bytes.len() - 16)),
                1 => drop(bytes.drain(16 + next(bytes.len() / 2 - 16)..bytes.len() / 2 + next(9))),
                2 => (0..8).for_each(|_| *bytes.iter_mut().rev().nth(next(60)).unwrap() ^= 1 << next(8)),
                _ => {
                    let at = 16 + next(bytes.len() - 16);
                    bytes[at] ^= 1 << next(8);
                }
            }
            let mut found = 0;
            let reader = &mut Cursor::new(&bytes);
            let ledger = keyfence::scan::stream(&crate::oracle::SCANNER, reader, None, &settings, &mut |_| found += 1);
            assert_eq!(ledger.bytes, bytes.len() as u64, "form {form}, round {round}: every byte is read");
            assert!(form > 3 || found > 0 || !ledger.skipped.is_empty(), "form {form}, round {round}");
        }
    }
}

#[test]
fn the_depth_is_bounded() {
    let tree = Tree::new();
    let mut bytes = log(9);
    for _ in 0..4 {
        bytes = gzip(&bytes);
    }
    fs::write(tree.path().join("deep"), &bytes).unwrap();
    let deep = Said::of(&tree, &["deep"]);
    assert_eq!((deep.code, deep.found().len()), (Some(1), 1));
    for depth in ["0", "3"] {
        let said = Said::of(&tree, &["deep", "--max-archive-depth", depth]);
        assert_eq!((said.code, said.found().len()), (Some(3), 0), "{depth}");
        assert!(said.skipped()[0].1.contains("--max-archive-depth"), "{:?}", said.skipped());
    }
}

#[test]
fn shapes_of_files_that_hold_other_things() {
    let tree = Tree::new();
    let key = expand("sk_live_{base62:24}", "shapes");
    let basic = expand("{base64of:sk_live_{base62:24}:}", "shapes-basic");
    for (name, text) in [
        (
            "analysis.ipynb",
            format!(r#"{{"cells":[{{"cell_type":"code","source":["stripe.api_key = \"{key}\"\n"],"outputs":[]}}]}}"#),
        ),
        (
            "session.har",
            format!(
                r#"{{"log":{{"entries":[{{"request":{{"headers":[{{"name":"Authorization","value":"Basic {basic}"}}]}}}}]}}}}"#
            ),
        ),
        (
            "api.postman_collection.json",
            format!(r#"{{"item":[{{"request":{{"auth":{{"bearer":[{{"key":"token","value":"{key}"}}]}}}}}}]}}"#),
        ),
        ("pay.sqlite", format!("SQLite format 3\0\x10\0\x01\x01\0@  {}\x17\x03\x01\x7f{key}\x02\x01", "\0".repeat(64))),
    ] {
        fs::write(tree.path().join(name), text).unwrap();
        let said = Said::of(&tree, &[name]);
        assert_eq!((said.kind("finding").count(), said.skipped().len()), (1, 0), "{name}");
    }
}

/// A file over the size that is held: every way of reading it and any number of threads say the same.
#[test]
fn a_large_file_reads_alike_on_every_road() {
    let tree = Tree::new();
    let mut text = Vec::new();
    let mut number = 0;
    while text.len() < 11 * 1024 * 1024 {
        text.extend_from_slice(
            b"2026-03-12T09:11:07Z INFO captured a charge of an ordinary amount and nothing else\n".repeat(977).as_slice(),
        );
        text.extend_from_slice(
            expand("2026-03-12T09:11:07Z WARN key=sk_live_{base62:24}\n", &format!("large{number}")).as_bytes(),
        );
        number += 1;
    }
    fs::write(tree.path().join("large.log"), &text).unwrap();
    let plain = Said::of(&tree, &["large.log", "-j", "1", "--mmap", "never"]);
    assert_eq!(plain.found().len(), number);
    let lines: Vec<_> = plain.found().iter().map(|(_, line)| *line).collect();
    assert_eq!(lines, (1..=number as u64).map(|at| at * 978).collect::<Vec<_>>());
    assert_eq!(plain.summary("bytes"), text.len() as u64);
    for args in [["-j", "2", "--mmap", "always"], ["-j", "3", "--mmap", "never"], ["-j", "2", "--mmap", "auto"]] {
        let other = Said::of(&tree, &[&["large.log"], &args[..]].concat());
        assert_eq!(other.lines, plain.lines, "{args:?}");
    }
    let piped = on_stdin(&tree, &text);
    assert_eq!(piped.found().iter().map(|(_, line)| *line).collect::<Vec<_>>(), lines);
    assert_eq!(piped.summary("bytes"), text.len() as u64);
}

/// What much of a stream holds is scanned on every core: any number of them says the same.
#[test]
fn a_long_stream_reads_alike_on_any_number_of_cores() {
    let tree = Tree::new();
    let (mut text, mut number) = (Vec::new(), 0);
    while text.len() < 21 * 1024 * 1024 {
        text.extend_from_slice(&b"captured a charge of an ordinary amount and nothing else\n".repeat(number % 997));
        let key = expand("sk_live_{base62:24}", &format!("long{number}"));
        let key = format!("{{\"ts\":\"2026-03-12T09:11:07Z\",\"key\":\"{key}\"}}\n");
        text.extend_from_slice(key.as_bytes());
        number += 1;
    }
    let alone = piped(&tree, &["-j", "1"], &text);
    assert_eq!((alone.found().len(), alone.summary("bytes")), (number, text.len() as u64));
    for cores in ["2", "5", "16"] {
        assert_eq!(piped(&tree, &["-j", cores], &text).lines, alone.lines, "{cores}");
    }
}

/// What a start-up banner says holds until the next one, however the log is cut and read.
#[test]
fn a_start_up_banner_holds_for_all_of_a_large_log() {
    let tree = Tree::new();
    let mut text = Vec::new();
    for (number, banner) in ["production", "staging"].into_iter().enumerate() {
        text.extend_from_slice(format!("2026-03-12T09:11:07Z INFO The following 1 profile is active: \"{banner}\"\n").as_bytes());
        let filler = b"2026-03-12T09:11:07Z INFO captured a charge of an ordinary amount and nothing else\n".repeat(977);
        while text.len() < (number + 1) * 10 * 1024 * 1024 {
            text.extend_from_slice(&filler);
        }
        text.extend_from_slice(
            expand("2026-03-12T09:11:07Z WARN key=sk_test_{base62:24}\n", &format!("banner{number}")).as_bytes(),
        );
    }
    fs::write(tree.path().join("large.log"), &text).unwrap();
    let kinds =
        |said: &Said| said.kind("finding").map(|finding| finding["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    for args in [["-j", "1", "--mmap", "never"], ["-j", "3", "--mmap", "never"], ["-j", "2", "--mmap", "always"]] {
        let said = Said::of(&tree, &[&["large.log"], &args[..]].concat());
        assert_eq!(kinds(&said), ["sandbox-key-in-production-log", "sandbox-key-in-log"], "{args:?}");
    }
    assert_eq!(kinds(&on_stdin(&tree, &text)), ["sandbox-key-in-production-log", "sandbox-key-in-log"]);
}

/// A sparse file, so that it is large at no cost; it is cut or grows while it is read.
#[cfg(unix)]
fn scan_while(size: u64, change: impl FnOnce(&fs::File), mmap: &str) -> Output {
    let tree = Tree::new();
    let file = fs::File::create(tree.path().join("live.bin")).unwrap();
    file.set_len(size).unwrap();
    let child = tree.start(&["scan", "--format", "jsonl", "--mmap", mmap, "live.bin"], Stdio::null());
    std::thread::sleep(std::time::Duration::from_millis(300));
    change(&file);
    child.wait_with_output().unwrap()
}

#[test]
#[cfg(unix)]
fn a_file_that_becomes_shorter_while_it_is_read_is_not_clean() {
    for mmap in ["never", "always"] {
        // So large that no machine has read it before it is cut.
        let output = scan_while(32 << 30, |file| file.set_len(30 << 20).unwrap(), mmap);
        assert_eq!(output.status.code(), Some(3), "{mmap}");
        let said = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&said).contains("became shorter while it was read"), "{mmap}");
    }
}

#[test]
#[cfg(unix)]
fn what_is_added_while_a_file_is_read_is_not_part_of_it() {
    let size = 2 << 30;
    let output =
        scan_while(size, |mut file| drop(file.write_all(&[b'x'; 4096]).and_then(|()| file.set_len((2 << 30) + 4096))), "never");
    let said = Said::new(&output);
    assert_eq!((said.code, said.summary("bytes")), (Some(0), size));
}
