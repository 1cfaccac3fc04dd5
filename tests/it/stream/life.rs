//! The life of a stream: time, signals, slow and broken neighbours, exit codes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{alerts, command, keeps, key, key_file, stream, stream_in};
use crate::plant::{Tree, expand};

/// A program that reads from us.
struct Live {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Live {
    fn start(tree: &Tree, args: &[&str]) -> Self {
        let mut child = command(tree, args).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        let mut running = Self { child, stdin, stdout };
        // It is ready once a line has come through.
        if args.contains(&"--redact") {
            running.write("ready\n");
            assert_eq!(running.line(), "ready\n");
        }
        running
    }

    fn write(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// Reads so many bytes.
    fn bytes(&mut self, count: usize) -> String {
        let mut bytes = vec![0; count];
        self.stdout.as_mut().unwrap().read_exact(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Closes the input, and says how it ended and what it said.
    fn end(mut self) -> (std::process::ExitStatus, String, String) {
        drop(self.stdin.take());
        let mut rest = String::new();
        self.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap(), rest, said)
    }
}

/// Waits for something to become true.
fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !test() {
        assert!(Instant::now() < until, "never: {what}");
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn case_33_and_34_half_a_key_and_a_pause() {
    let tree = Tree::new();
    let mut running = Live::start(&tree, &["stream", "--redact", "--hold", "150ms", "--alerts", "none"]);
    let key = key("33");
    running.write(&format!("key={}", &key[..18]));
    let shown = running.bytes("key=[REDACTED:standard-api-key]".len());
    assert_eq!(shown, "key=[REDACTED:standard-api-key]");
    running.write(&format!("{}\n", &key[18..]));
    assert_eq!(running.line(), "\n");
    running.write(&format!("key={}", &key[..18]));
    assert_eq!(running.bytes(shown.len()), shown);
    let (status, rest, _) = running.end();
    assert_eq!((status.code(), rest.as_str()), (Some(0), ""));
}

#[test]
fn case_33_half_a_key_and_five_seconds() {
    let tree = Tree::new();
    let mut running = Live::start(&tree, &["stream", "--redact", "--alerts", "none"]);
    let key = key("33b");
    let mut stdout = running.stdout.take().unwrap();
    let (pieces, came) = std::sync::mpsc::channel();
    let reader = thread::spawn(move || {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stdout.get_mut().read(&mut buffer) {
            all.extend_from_slice(&buffer[..length]);
            pieces.send(String::from_utf8(all.clone()).unwrap()).unwrap();
        }
    });
    running.write(&format!("at 9:11 key={}", &key[..18]));
    sleep(Duration::from_secs(5));
    let shown = came.try_iter().last().unwrap();
    assert_eq!(shown, "at 9:11 key=[REDACTED:standard-api-key]", "what came within five seconds");
    running.write(&format!("{} end\n", &key[18..]));
    drop(running.stdin.take());
    reader.join().unwrap();
    assert_eq!(came.try_iter().last().unwrap(), "at 9:11 key=[REDACTED:standard-api-key] end\n");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn case_35_a_prompt_is_shown() {
    let tree = Tree::new();
    let mut running = Live::start(&tree, &["stream", "--redact"]);
    running.write("login: ");
    assert_eq!(running.bytes(7), "login: ");
    assert_eq!(running.end().0.code(), Some(0));
}

#[test]
fn case_36_every_line_goes_out_when_it_comes() {
    let tree = Tree::new();
    let mut running = Live::start(&tree, &["stream", "--redact"]);
    let mut took = Vec::new();
    for number in 0..10 {
        let line = format!("line {number}\n");
        let started = Instant::now();
        running.write(&line);
        assert_eq!(running.line(), line);
        took.push(started.elapsed());
        sleep(Duration::from_secs(1).saturating_sub(started.elapsed()));
    }
    took.sort_unstable();
    // The worst is for a busy machine: full.rs asks for twenty milliseconds.
    assert!(took[5] < Duration::from_millis(20) && took[9] < Duration::from_millis(500), "{took:?}");
    assert_eq!(running.end().0.code(), Some(0));
}

#[test]
fn case_37_ten_thousand_lines_a_second() {
    // For two seconds, and a program that is not optimised; a minute, and its limits: full.rs.
    let tree = Tree::new();
    let mut running = Live::start(&tree, &["stream", "--redact"]);
    let mut stdin = running.stdin.take().unwrap();
    let line = |n: usize| format!("2026-03-12T09:11:07Z INFO request {n} done\n");
    let writer = thread::spawn(move || {
        let (started, mut sent) = (Instant::now(), 0);
        while sent < 20_000 {
            let due = usize::try_from(started.elapsed().as_micros() / 100).unwrap().min(20_000);
            let batch: String = (sent..due).map(line).collect();
            stdin.write_all(batch.as_bytes()).unwrap();
            sent = due;
            sleep(Duration::from_millis(1));
        }
        Instant::now()
    });
    for n in 0..20_000 {
        assert_eq!(running.line(), line(n));
    }
    // The last line goes out when it comes, so nothing has queued up.
    let behind = writer.join().unwrap().elapsed();
    assert!(behind < Duration::from_secs(2), "{behind:?}");
    assert_eq!(running.end().0.code(), Some(0));
}

#[test]
fn case_56_nobody_reads_the_output() {
    let tree = Tree::new();
    let mut child = command(&tree, &["stream", "--redact", "--alerts", "none"]).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    while stdin.write_all(b"a line\n").is_ok() {}
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().signal(), said.as_str()), (Some(13), ""));
}

#[test]
fn case_57_a_slow_reader_holds_up_the_writer() {
    let tree = Tree::new();
    let mut child = command(&tree, &["stream", "--redact"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let written = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = written.clone();
    let writer = thread::spawn(move || {
        let block = b"an ordinary line\n".repeat(4096);
        for _ in 0..300 {
            stdin.write_all(&block).unwrap();
            counter.fetch_add(block.len(), std::sync::atomic::Ordering::SeqCst);
        }
    });
    let progress = || written.load(std::sync::atomic::Ordering::SeqCst);
    let mut before = usize::MAX;
    eventually("the writer is held up", || {
        let same = before == progress() && before > 0;
        before = progress();
        sleep(Duration::from_millis(200));
        same
    });
    assert!(progress() < 8 * 1024 * 1024, "{} bytes are held", progress());
    let (_, peak) = super::volume::memory(child.id());
    assert!(peak < 64 * 1024, "{peak} KiB");
    let mut all = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut all).unwrap();
    writer.join().unwrap();
    assert_eq!(all.len(), 300 * 4096 * 17);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A number of the metrics file.
fn metric(tree: &Tree, name: &str) -> u64 {
    let text = fs::read_to_string(tree.path().join("m.prom")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}: {text}")).parse().unwrap()
}

#[test]
fn case_58_a_sink_that_nobody_reads() {
    let tree = Tree::new();
    let made = tree.command("mkfifo").arg("alerts").status().unwrap();
    assert!(made.success());
    let keys: String = (0..300).map(|n| format!("k={}\n", key(&format!("58-{n}")))).collect::<Vec<_>>().concat();
    let args = ["stream", "--redact", "--alerts", "alerts", "--metrics-file", "m.prom"];
    let run = stream_in(&tree, &args, keys);
    assert_eq!(run.code(), Some(0));
    assert_eq!(run.out().matches("[REDACTED:").count(), 300);
    // The first fifty waited in the queue, the others were summed up; for a queue that is full see stream/sink.rs.
    assert_eq!(metric(&tree, "keyfence_redactions_total"), 300);
    assert_eq!(metric(&tree, "keyfence_alerts_dropped_total"), 0);
}

#[test]
fn case_59_a_sink_on_a_full_disk() {
    let tree = Tree::new();
    let keys: String = (0..5).map(|n| format!("k={}\n", key(&format!("59-{n}")))).collect::<Vec<_>>().concat();
    let run = stream_in(&tree, &["stream", "--redact", "--alerts", "/dev/full", "--metrics-file", "m.prom"], keys);
    assert_eq!((run.code(), run.out().matches("[REDACTED:").count()), (Some(0), 5));
    assert_eq!(run.stderr.lines().count(), 1, "told once: {}", run.stderr);
    assert!(metric(&tree, "keyfence_alert_errors_total") > 0);
}

#[test]
fn case_60_the_output_is_on_a_full_disk() {
    let tree = Tree::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut child = command(&tree, &["stream", "--redact"]).stdout(full).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("k={}\n", key("60")).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), alerts(&said).len()), (Some(3), 1));
    assert!(said.contains("standard output: No space left on device"), "{said}");
}

#[test]
fn case_61_asked_to_end_with_a_mebibyte_in_the_pipe() {
    let tree = Tree::new();
    let mut running = Live::start(&tree, &["stream", "--redact", "--alerts", "none"]);
    let text = "an ordinary line\n".repeat(60_000);
    let mut stdin = running.stdin.take().unwrap();
    let sent = text.clone();
    let writer = thread::spawn(move || stdin.write_all(sent.as_bytes()).unwrap());
    sleep(Duration::from_millis(50));
    running.signal(Signal::TERM);
    let (status, rest, _) = running.end();
    writer.join().unwrap();
    assert_eq!((status.code(), rest == text), (Some(0), true));
}

#[test]
fn case_62_asked_to_end_while_the_writer_stays() {
    let tree = Tree::new();
    let mut running = Live::start(&tree, &["stream", "--redact", "--alerts", "none"]);
    let key = key("62");
    running.write(&format!("a line\nkey={}", &key[..20]));
    assert_eq!(running.line(), "a line\n");
    let started = Instant::now();
    running.signal(Signal::TERM);
    let mut stdin = running.stdin.take();
    let mut rest = String::new();
    running.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    let status = running.child.wait().unwrap();
    drop(stdin.take());
    assert_eq!(status.signal(), Some(15));
    assert_eq!(rest, "key=[REDACTED:standard-api-key]");
    assert!((1..6).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[test]
fn case_63_asked_twice() {
    let tree = Tree::new();
    let running = Live::start(&tree, &["stream", "--redact"]);
    running.signal(Signal::INT);
    sleep(Duration::from_millis(200));
    running.signal(Signal::INT);
    let mut child = running.child;
    let started = Instant::now();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(2));
    assert!(started.elapsed() < Duration::from_millis(1500), "{:?}", started.elapsed());
}

/// A rule file whose keys begin with `acme_live_`.
const RULE: &str = r#"
[provider]
id = "acme"
name = "Acme"
region = "global"
[[rule]]
id = "acme-secret-key"
title = "Acme secret key"
class = "standard-api-key"
moves_funds = true
environment = "live"
format = 'acme_live_[0-9A-Za-z]{32}'
fact = "doc"
remediation = "Roll it."
examples = [ { text = 'K=acme_live_{base62:32}', environment = "live" }, { text = 'k: acme_live_{base62:32}', environment = "live" } ]
counter_examples = [ { text = 'acme_live_{base62:31}', because = "too short" }, { text = 'acme_test_{base62:32}', because = "no such key" } ]
"#;

#[test]
fn case_64_rules_are_read_again() {
    let tree = Tree::new();
    let path = tree.path().join("acme.toml");
    fs::write(&path, RULE.replace("acme_live_", "acme_old_")).unwrap();
    let metrics = tree.path().join("m.prom");
    let args = ["stream", "--redact", "--alerts", "none", "--rules", "acme.toml", "--metrics-file", "m.prom"];
    let mut running = Live::start(&tree, &args);
    let key = expand("acme_live_{base62:32}", "64");
    running.write(&format!("{key}\n"));
    assert_eq!(running.line(), format!("{key}\n"));
    let reloads = |result: &str, count: u64| {
        let wanted = format!("keyfence_reloads_total{{result=\"{result}\"}} {count}\n");
        eventually("reloaded", || fs::read_to_string(&metrics).is_ok_and(|text| text.contains(&wanted)));
    };
    fs::write(&path, RULE).unwrap();
    running.signal(Signal::HUP);
    reloads("ok", 1);
    running.write(&format!("{key}\n"));
    assert_eq!(running.line(), "[REDACTED:standard-api-key]\n");
    fs::write(&path, "broken").unwrap();
    running.signal(Signal::HUP);
    reloads("refused", 1);
    running.write(&format!("{key}\n"));
    assert_eq!(running.line(), "[REDACTED:standard-api-key]\n");
    assert_eq!(running.end().0.code(), Some(0));
}

#[test]
fn case_65_the_alert_file_is_rotated() {
    let tree = Tree::new();
    let (file, moved) = (tree.path().join("a.jsonl"), tree.path().join("a.jsonl.1"));
    let mut running = Live::start(&tree, &["stream", "--redact", "--alerts", "a.jsonl"]);
    let told = |path: &std::path::Path| fs::read_to_string(path).map_or(0, |text| alerts(&text).len());
    running.write(&format!("{}\n", key("65a")));
    eventually("the first alert", || told(&file) == 1);
    fs::rename(&file, &moved).unwrap();
    running.write(&format!("{}\n", key("65b")));
    eventually("the second alert, in the old file", || told(&moved) == 2);
    running.signal(Signal::HUP);
    sleep(Duration::from_millis(300));
    running.write(&format!("{}\n", key("65c")));
    eventually("the third alert, in the new file", || told(&file) == 1);
    assert_eq!(running.end().0.code(), Some(0));
}

#[test]
fn case_66_one_key_on_many_lines() {
    // A million of them: full.rs.
    let count = 50_000;
    let line = format!("k={} 401\n", key("66"));
    let run = stream(&["stream", "--redact"], line.repeat(count));
    let alerts = run.alerts();
    assert_eq!((run.code(), run.out().matches("[REDACTED:").count()), (Some(0), count));
    assert!(alerts.len() <= 20, "{} alerts", alerts.len());
    assert_eq!(alerts.last().unwrap()["count"], count);
}

#[test]
fn case_67_many_different_keys() {
    // A million of them, and the memory: full.rs.
    let count = 10_000;
    let lines: Vec<String> = (0..count).map(|n| format!("k={}\n", key(&format!("67-{n}")))).collect();
    let run = stream(&["stream", "--redact"], lines.concat());
    assert_eq!(run.out().matches("[REDACTED:").count(), count);
    let limited = run.stderr.lines().filter(|line| line.starts_with("{\"type\":\"alerts-limited\""));
    let held: u64 = limited
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["counts"]["standard-api-key"].as_u64().unwrap())
        .sum();
    let told = run.alerts().len() as u64;
    assert_eq!(told + held, count as u64, "nothing is dropped from the counts");
    assert!((50..2000).contains(&told), "{told}");
}

#[test]
fn case_68_and_70_streams_and_key_files() {
    let tree = Tree::new();
    let (one, two) = (key_file(&tree, "one.key"), key_file(&tree, "two.key"));
    let key = key("68");
    for name in ["a.log", "b.log"] {
        fs::write(tree.path().join(name), format!("in {name} k={key}\n").repeat(3)).unwrap();
    }
    let run = |keys: &str| {
        stream_in(&tree, &["stream", "--redact", "--input", "A=a.log", "--input", "B=b.log", "--fp-key-file", keys], "")
    };
    let first = run(&one);
    let told = first.alerts();
    let seen: Vec<_> = told.iter().filter(|alert| alert["count"] == 1).map(|alert| alert["stream"].as_str().unwrap()).collect();
    assert_eq!((first.code(), seen), (Some(0), vec!["A", "B"]));
    assert!(told.iter().all(|alert| alert["fingerprint"] == told[0]["fingerprint"]));
    assert_eq!(run(&one).alerts()[0]["fingerprint"], told[0]["fingerprint"]);
    assert_ne!(run(&two).alerts()[0]["fingerprint"], told[0]["fingerprint"]);
    let text = first.out();
    assert!(text.lines().all(|line| line.starts_with("in ") && line.ends_with(']')), "whole lines: {text}");
    first.keeps(&key);
}

#[test]
fn case_71_key_files_that_are_none() {
    use std::os::unix::fs::PermissionsExt;
    let tree = Tree::new();
    let open = key_file(&tree, "open.key");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(tree.path().join("short.key"), "short").unwrap();
    for (file, why) in [("missing.key", "missing.key"), ("open.key", "everybody"), ("short.key", "at least 16")] {
        let run = stream_in(&tree, &["stream", "--redact", "--fp-key-file", file], "x\n");
        assert_eq!((run.code(), run.out().as_str()), (Some(2), ""), "{file}");
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
}

#[test]
fn case_72_and_73_what_is_refused_before_a_byte_is_read() {
    for args in [
        &["stream", "--nonsense"][..],
        &["stream", "--protocol", "morse"],
        &["stream", "--redact", "--format", "jsonl"],
        &["stream", "--redact", "--alerts", "stdout"],
        &["stream", "--mask", "hash", "--redact"],
        &["stream", "-o", "out"],
        &["stream", "--protocol", "rsyslog-omprog", "--redact"],
        &["stream", "--protocol", "rsyslog-mm", "--alerts", "stderr"],
        &["stream", "--max-line", "1"],
        &["stream", "--hold", "an hour"],
        &["stream", "--input", "nameless"],
        &["stream", "--on-error", "shrug"],
        &["stream", "--redact", "--exclude-rule", "no-such-rule"],
        &["run", "-f", "jsonl", "--", "true"],
        &["run", "--", "/no/such/command"],
    ] {
        let run = stream(args, "x\n");
        assert_eq!((run.code(), run.out().as_str()), (Some(2), ""), "{args:?}: {}", run.stderr);
    }
    let list = stream(&["rules", "list"], "");
    let ids: Vec<String> =
        list.out().lines().filter_map(|line| Some(line.strip_prefix("    ")?.split_whitespace().next()?.to_owned())).collect();
    let without: Vec<&str> = ids.iter().flat_map(|id| ["--exclude-rule", id]).collect();
    let run = stream(&[&["stream", "--redact"][..], &without].concat(), "x\n");
    assert!(run.code() == Some(2) && run.stderr.contains("no rule is left"), "{}", run.stderr);
}

/// Case 75 and the exit codes, on a record that is too long to be put together.
#[test]
fn case_75_what_cannot_be_scanned_is_kept_passed_or_ends_the_stream() {
    use std::os::unix::fs::PermissionsExt;
    let tree = Tree::new();
    let key = key("75");
    let record = |text: &str| format!("{{\"log\":\"{text}\\n\",\"stream\":\"stdout\"}}\n");
    let long = record(&format!("{} k={key}", "x ".repeat(100_000)));
    let log = format!("{}{long}{}", record("one"), record("two"));
    let with = |args: &[&str]| {
        let all = [
            "stream",
            "--redact",
            "--alerts",
            "none",
            "--protocol",
            "docker-json",
            "--max-line",
            "64KiB",
            "--metrics-file",
            "m.prom",
        ];
        stream_in(&tree, &[&all[..], args].concat(), log.clone())
    };
    let run = with(&["--quarantine-file", "kept"]);
    let lines: Vec<String> = run.out().lines().map(str::to_owned).collect();
    assert_eq!((run.code(), lines[0].as_str()), (Some(3), record("one").trim_end()));
    assert!(lines[1..lines.len() - 1].iter().all(|line| line.starts_with("[QUARANTINED:")), "{lines:?}");
    assert!(run.out().ends_with(&record("two")), "the next record is scanned");
    run.keeps(&key);
    let kept = tree.path().join("kept");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&kept).unwrap().replace('\n', ""), long.replace('\n', ""), "what was held back is kept");
    assert_eq!(metric(&tree, "keyfence_unscanned_bytes_total"), long.len() as u64);
    assert_eq!(metric(&tree, "keyfence_lines_total"), 3);
    let passed = with(&["--on-error", "pass"]);
    assert_eq!((passed.code(), passed.out()), (Some(3), log.clone()));
    let blocked = with(&["--on-error", "block"]);
    assert_eq!((blocked.code(), blocked.out()), (Some(3), record("one")));
}

/// So many rules that begin alike that a line of nothing but that beginning takes two hundred looks for each.
fn alike(count: usize) -> String {
    let rules =
        (0..count).map(|n| RULE[RULE.find("[[rule]]").unwrap()..].replace("acme-secret-key", &format!("acme-secret-key-{n}")));
    let rules: String = rules.enumerate().map(|(n, rule)| rule.replace("{32}", &format!("{{{}}}", 32 + n))).collect();
    format!("{}{rules}", &RULE[..RULE.find("[[rule]]").unwrap()])
}

#[test]
fn a_line_that_takes_too_much_work_is_not_shown() {
    let tree = Tree::new();
    fs::write(tree.path().join("acme.toml"), alike(200)).unwrap();
    let hostile = "acme_live_.".repeat(5500);
    let key = expand("acme_live_{base62:32}", "work");
    let log = format!("one {key}\n{hostile}\ntwo {key}\n");
    let args = ["stream", "--redact", "--rules", "acme.toml", "--max-line", "64KiB", "--metrics-file", "m.prom"];
    let run = stream_in(&tree, &args, log.clone());
    assert_eq!(run.code(), Some(3), "{}", run.stderr);
    let lines: Vec<_> = run.stdout.split(|&byte| byte == b'\n').map(String::from_utf8_lossy).collect();
    assert!(lines[0] == "one [REDACTED:standard-api-key]" && lines[2] == "two [REDACTED:standard-api-key]");
    assert!(lines[1].starts_with("[QUARANTINED:") && lines[1].len() < 100, "{}", lines[1].len());
    assert_eq!(metric(&tree, "keyfence_work_budget_hits_total"), 1);
    assert_eq!(metric(&tree, "keyfence_unscanned_bytes_total"), hostile.len() as u64 + 1);
    // With the rules that everybody has, and with room for it, the line is nothing.
    let run = stream_in(&tree, &["stream", "--redact", "--max-line", "64KiB", "--metrics-file", "m.prom"], log);
    assert!(run.code() == Some(0) && run.out().lines().nth(1) == Some(&hostile));
    assert_eq!(metric(&tree, "keyfence_work_budget_hits_total"), 0);
}

#[test]
fn streams_and_alerts_by_their_descriptors() {
    let tree = Tree::new();
    let key = key("fd");
    let script =
        format!("{} stream --redact --input A=fd:5 --input B=fd:6 --alerts fd:7 5<a.log 6<b.log 7>alerts", super::program());
    fs::write(tree.path().join("a.log"), format!("k={key}\n")).unwrap();
    fs::write(tree.path().join("b.log"), "hello\n").unwrap();
    let output = tree.command("sh").args(["-c", &script]).output().unwrap();
    let mut lines: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!((output.status.code(), lines), (Some(0), vec!["hello".to_owned(), "k=[REDACTED:standard-api-key]".to_owned()]));
    assert_eq!(output.stderr, b"");
    let told = alerts(&fs::read_to_string(tree.path().join("alerts")).unwrap());
    assert_eq!((told.len(), told[0]["stream"].as_str()), (1, Some("A")));
}

#[test]
fn a_storm_of_reloads_loses_nothing() {
    let tree = Tree::new();
    let mut running = Live::start(&tree, &["stream", "--redact", "--alerts", "a.jsonl"]);
    for n in 0..40 {
        running.signal(Signal::HUP);
        running.write(&format!("n={n} k={}\n", key(&n.to_string())));
        running.signal(Signal::HUP);
        assert_eq!(running.line(), format!("n={n} k=[REDACTED:standard-api-key]\n"));
    }
    assert_eq!(running.end().0.code(), Some(0));
    let told = fs::read_to_string(tree.path().join("a.jsonl")).unwrap();
    assert_eq!(alerts(&told).len(), 40, "{told}");
}

#[test]
fn case_76_metrics_and_snapshots() {
    let tree = Tree::new();
    let metrics = tree.path().join("x.prom");
    let mut running = Live::start(&tree, &["stream", "--redact", "--alerts", "none", "--metrics-file", "x.prom"]);
    running.write(&format!("k={}\n", key("76")));
    running.line();
    running.signal(Signal::USR1);
    eventually("a snapshot", || fs::read_to_string(&metrics).is_ok_and(|text| text.contains("keyfence_redactions_total 1\n")));
    assert_eq!(running.end().0.code(), Some(0));
    let text = fs::read_to_string(&metrics).unwrap();
    assert!(text.contains("keyfence_lines_total 2\n"), "{text}");
    assert!(text.contains("class=\"standard-api-key\",severity=\"critical\",environment=\"live\"} 1"), "{text}");
    keeps(&text, &key("76"));
    assert_eq!(fs::read_dir(tree.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn case_77_a_log_that_is_rotated() {
    let tree = Tree::new();
    let log = tree.path().join("app.log");
    fs::write(&log, "").unwrap();
    let mut tail =
        tree.command("tail").args(["-n", "+1", "-F", "app.log"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut filter = command(&tree, &["stream", "--redact"]).stdin(tail.stdout.take().unwrap()).spawn().unwrap();
    let mut out = BufReader::new(filter.stdout.take().unwrap());
    let mut line = || {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        line
    };
    let append =
        |text: &str| fs::OpenOptions::new().append(true).create(true).open(&log).unwrap().write_all(text.as_bytes()).unwrap();
    append("one\n");
    assert_eq!(line(), "one\n");
    append(&format!("k={}\n", key("77")));
    fs::rename(&log, tree.path().join("app.log.1")).unwrap();
    append("after\n");
    assert_eq!((line(), line()), ("k=[REDACTED:standard-api-key]\n".to_owned(), "after\n".to_owned()));
    tail.kill().unwrap();
    tail.wait().unwrap();
    let output = filter.wait_with_output().unwrap();
    assert_eq!(alerts(&String::from_utf8(output.stderr).unwrap()).len(), 1);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn case_78_colours_stay() {
    let run = stream(&["stream", "--redact", "--alerts", "none"], format!("\x1b[31mred\x1b[0m k=\x1b[32m{}\x1b[0m\n", key("78")));
    assert_eq!(run.out(), "\x1b[31mred\x1b[0m k=\x1b[32m[REDACTED:standard-api-key]\x1b[0m\n");
}

#[test]
#[ignore = "wants script(1), which makes a terminal"]
fn case_78_colours_stay_on_a_terminal() {
    let tree = Tree::new();
    let key = key("78t");
    let line = format!("\x1b[31mred\x1b[0m k=\x1b[32m{key}\x1b[0m \x1b[1;4m{}\x1b[7m{}\x1b[0m\n", &key[..12], &key[12..]);
    fs::write(tree.path().join("in.log"), line).unwrap();
    let inner = format!("{} stream --redact --alerts a.jsonl < in.log", super::program());
    let output = tree.command("script").args(["-qec", &inner, "typescript"]).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap().replace('\r', "");
    let mask = "[REDACTED:standard-api-key]";
    assert_eq!(shown, format!("\x1b[31mred\x1b[0m k=\x1b[32m{mask}\x1b[0m \x1b[1;4m{mask}\x1b[0m\n"));
    assert_eq!(alerts(&fs::read_to_string(tree.path().join("a.jsonl")).unwrap())[0]["count"], 1);
}

#[test]
#[ignore = "takes a minute"]
fn case_76_metrics_for_a_minute() {
    let tree = Tree::new();
    let path = tree.path().join("m.prom");
    let mut running = Live::start(&tree, &["stream", "--redact", "--alerts", "none", "--metrics-file", "m.prom"]);
    eventually("written for the first time", || path.exists());
    let (started, mut states) = (Instant::now(), std::collections::BTreeSet::new());
    let mut number = 0;
    while started.elapsed() < Duration::from_secs(62) {
        number += 1;
        let line = format!("line {number}\n");
        running.write(&line);
        assert_eq!(running.line(), line);
        for _ in 0..20 {
            // Whole at any time, and never missing once it was there.
            let Ok(text) = fs::read_to_string(&path) else { panic!("the file is missing") };
            assert!(
                text.ends_with('\n') && text.contains("keyfence_lines_total ") && text.contains("keyfence_hold_seconds_count "),
                "{text}"
            );
            states.insert(text);
            sleep(Duration::from_millis(2));
        }
    }
    assert!((5..=7).contains(&states.len()), "{} states in a minute", states.len());
    assert_eq!(running.end().0.code(), Some(0));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(&format!("keyfence_lines_total {}\n", number + 1)), "{text}");
}

#[test]
fn case_82_a_command_between_two_filters() {
    let tree = Tree::new();
    let key = key("82");
    let script = format!("echo out {key}; echo err {key} >&2; exit 7");
    let run = stream_in(&tree, &["run", "--alerts", "a.jsonl", "--", "sh", "-c", &script], "");
    assert_eq!(run.code(), Some(7));
    assert_eq!(run.out(), "out [REDACTED:standard-api-key]\n");
    assert_eq!(run.stderr, "err [REDACTED:standard-api-key]\n");
    let told = alerts(&fs::read_to_string(tree.path().join("a.jsonl")).unwrap());
    let streams: std::collections::BTreeSet<_> = told.iter().map(|alert| alert["stream"].as_str().unwrap()).collect();
    assert_eq!(streams.into_iter().collect::<Vec<_>>(), ["stderr", "stdout"]);
    let died = stream_in(&tree, &["run", "--", "sh", "-c", "kill -SEGV $$"], "");
    assert_eq!(died.status.signal(), Some(11));
    let input = stream_in(&tree, &["run", "--", "cat"], "through\n");
    assert_eq!((input.code(), input.out().as_str()), (Some(0), "through\n"));
}

#[test]
fn case_82_signals_reach_the_command() {
    let tree = Tree::new();
    let script = "trap 'echo asked; exit 5' TERM; echo up; while :; do sleep 0.05; done";
    let mut running = Live::start(&tree, &["run", "--", "sh", "-c", script]);
    assert_eq!(running.line(), "up\n");
    running.signal(Signal::TERM);
    assert_eq!(running.line(), "asked\n");
    assert_eq!(running.end().0.code(), Some(5));
}

#[test]
fn what_cannot_be_opened_is_said_at_once() {
    let run = stream(&["stream", "--redact", "--alerts", "/no/such/folder/a"], "x\n");
    assert_eq!((run.code(), run.out().as_str()), (Some(2), ""));
    let run = stream(&["stream", "--redact", "--input", "a=/no/such/file"], "");
    assert_eq!(run.code(), Some(2));
}

/// Runs the program as a shell would that closed some of its descriptors.
fn closed(tree: &Tree, closing: &str) -> (Option<i32>, String, String) {
    let shell = format!("printf 'a line\\n' | \"$0\" {closing}");
    let output = tree.command("sh").args(["-c", &shell, &super::program()]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_closed_descriptor_is_no_success() {
    let tree = Tree::new();
    let refused = |which: &str| (Some(3), String::new(), format!("error: standard {which} is closed\n"));
    assert_eq!(closed(&tree, "stream --redact >&-"), refused("output"));
    assert_eq!(closed(&tree, "stream --redact <&-"), refused("input"));
    assert_eq!(closed(&tree, "stream --protocol rsyslog-mm >&-"), refused("output"));
    assert_eq!(closed(&tree, "run -- echo done >&-"), refused("output"));
    let known = format!("known add --label a --environment live --known k --fp-key-file {} <&-", key_file(&tree, "fp"));
    assert_eq!(closed(&tree, &known).0, Some(3));
    let (code, out, said) = closed(&tree, "scan - <&-");
    assert_eq!(code, Some(3), "{out}{said}");
    assert!((out + &said).contains("standard input is closed"));
    assert_eq!(closed(&tree, "rules list >&-"), refused("output"));
    // What is not needed may be closed, and what is meant to be thrown away may be.
    assert_eq!(closed(&tree, "stream --alerts none >&-").0, Some(0));
    assert_eq!(closed(&tree, "stream --redact -o out >&-").0, Some(0));
    assert_eq!(closed(&tree, "stream --redact 2>&-"), (Some(0), "a line\n".to_owned(), String::new()));
    assert_eq!(closed(&tree, "stream --redact <> /dev/null 1<> /dev/null"), (Some(0), String::new(), String::new()));
}

#[test]
fn alerts_that_have_nowhere_to_go_are_counted() {
    let tree = Tree::new();
    fs::write(tree.path().join("log"), format!("k={}\n", key("closed"))).unwrap();
    let (code, out, _) = closed(&tree, "stream --redact --metrics-file m.prom <log 2>&-");
    assert_eq!((code, out.as_str()), (Some(0), "k=[REDACTED:standard-api-key]\n"));
    assert_eq!(metric(&tree, "keyfence_alert_errors_total"), 1);
}

#[test]
fn signals_before_the_rules_are_read_end_nothing() {
    for signal in [Signal::HUP, Signal::USR1, Signal::TERM, Signal::INT] {
        let tree = Tree::new();
        assert!(tree.command("mkfifo").arg("rules.toml").status().unwrap().success());
        let args = ["stream", "--redact", "--rules", "rules.toml", "--metrics-file", "m.prom"];
        let mut child = command(&tree, &args).spawn().unwrap();
        // Nobody gives it the rules until the signal was there.
        sleep(Duration::from_millis(300));
        kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
        sleep(Duration::from_millis(50));
        assert!(child.try_wait().unwrap().is_none(), "{signal:?} ended it");
        let path = tree.path().join("rules.toml");
        let mut pipe = fs::OpenOptions::new().write(true).open(&path).unwrap();
        // A reload asks for them again.
        fs::write(tree.path().join("same"), RULE).unwrap();
        fs::rename(tree.path().join("same"), &path).unwrap();
        pipe.write_all(RULE.as_bytes()).unwrap();
        drop(pipe);
        child.stdin.take().unwrap().write_all(b"a line\n").unwrap();
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!((child.wait().unwrap().code(), out.as_str()), (Some(0), "a line\n"), "{signal:?}");
    }
}

#[test]
fn no_core_is_dumped() {
    let tree = Tree::new();
    let running = Live::start(&tree, &["stream", "--redact"]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", running.child.id())).unwrap_or_default();
    // Where /proc is closed to others, that is what was asked for.
    let line = limits.lines().find(|line| line.starts_with("Max core file size"));
    assert!(line.is_none_or(|line| line.split_whitespace().nth(4) == Some("0")), "{limits}");
    assert_eq!(running.end().0.code(), Some(0));
}
