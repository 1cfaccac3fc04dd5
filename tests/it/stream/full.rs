//! Cases of the matrix at the sizes that it names. They want a release of the program and minutes, so they are
//! ignored; each has a smaller sister among the others.
//!
//!     KEYFENCE_PROGRAM=target/release/keyfence cargo test --release --test it stream::full -- --ignored --nocapture

use std::io::{Read, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::volume::{Dice, HEX};
use super::{key, program};
use crate::plant::Tree;

/// 64 MiB, in KiB.
const MOST: u64 = 64 * 1024;

pub(super) fn say(text: &str) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{text}").unwrap();
}

/// Not as many as four thousand million.
fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// What a run cost and came to.
struct Cost {
    code: Option<i32>,
    stderr: String,
    /// Peak of the resident memory in KiB.
    peak: u64,
    /// Seconds of CPU, and by the clock.
    cpu: f64,
    wall: f64,
}

impl Cost {
    fn tell(&self, case: &str, bytes: u64) {
        let mebibytes = bytes >> 20;
        say(&format!(
            "{case}: {mebibytes} MiB in {:.2} s, {:.2} s of CPU, {:.0} MB per CPU second, peak {} MiB",
            self.wall,
            self.cpu,
            number(bytes / 1_000_000) / self.cpu.max(0.01),
            self.peak / 1024
        ));
    }
}

/// Memory at its peak in KiB, and seconds of CPU.
fn usage(pid: u32) -> Option<(u64, f64)> {
    let peak = super::volume::memory(pid).1;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    (peak > 0).then_some((peak, ticks / 100.0))
}

/// Runs the program; one thread writes, this one reads.
fn poured(args: &[&str], write: impl FnOnce(ChildStdin) + Send + 'static, mut read: impl FnMut(&[u8])) -> Cost {
    let mut command = Command::new(program());
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().unwrap();
    let (stdin, mut stdout, mut stderr) =
        (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let pid = child.id();
    let writer = thread::spawn(move || write(stdin));
    let said = thread::spawn(move || {
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        said
    });
    let sampler = thread::spawn(move || {
        let (mut last, mut none) = ((0, 0.0), 0);
        while none < 3 {
            match usage(pid) {
                Some(now) => last = now,
                None => none += 1,
            }
            thread::sleep(Duration::from_millis(5));
        }
        last
    });
    let mut buffer = vec![0; 1 << 18];
    loop {
        match stdout.read(&mut buffer).unwrap() {
            0 => break,
            length => read(&buffer[..length]),
        }
    }
    writer.join().unwrap();
    let code = child.wait().unwrap().code();
    let wall = started.elapsed().as_secs_f64();
    let (peak, cpu) = sampler.join().unwrap();
    Cost { code, stderr: said.join().unwrap(), peak, cpu, wall }
}

/// Compares what comes with parts, each repeated.
struct Expected {
    parts: Vec<(Vec<u8>, u64)>,
    part: usize,
    turn: u64,
    at: usize,
}

impl Expected {
    fn new(parts: Vec<(Vec<u8>, u64)>) -> Self {
        Self { parts, part: 0, turn: 0, at: 0 }
    }

    fn length(parts: &[(Vec<u8>, u64)]) -> u64 {
        parts.iter().map(|(bytes, times)| bytes.len() as u64 * times).sum()
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (wanted, times) = &self.parts[self.part];
            let length = bytes.len().min(wanted.len() - self.at);
            assert!(bytes[..length] == wanted[self.at..self.at + length], "part {} turn {} at {}", self.part, self.turn, self.at);
            self.at += length;
            bytes = &bytes[length..];
            if self.at == wanted.len() {
                (self.at, self.turn) = (0, self.turn + 1);
                if self.turn == *times {
                    (self.turn, self.part) = (0, self.part + 1);
                }
            }
        }
    }

    fn end(&self) {
        assert_eq!((self.part, self.turn, self.at), (self.parts.len(), 0, 0), "the output ends early");
    }
}

/// Writes parts, each repeated.
fn writing(parts: Vec<(Vec<u8>, u64)>) -> impl FnOnce(ChildStdin) + Send {
    move |mut to| {
        for (bytes, times) in &parts {
            (0..*times).for_each(|_| to.write_all(bytes).unwrap());
        }
    }
}

/// Goes in and comes out: the parts are what goes in, `masked` what each becomes.
fn exact(case: &str, args: &[&str], parts: Vec<(Vec<u8>, u64)>, masked: Vec<(Vec<u8>, u64)>) -> Cost {
    let bytes = Expected::length(&parts);
    let mut expected = Expected::new(masked);
    let cost = poured(args, writing(parts), |bytes| expected.take(bytes));
    expected.end();
    cost.tell(case, bytes);
    assert_eq!(cost.code, Some(0), "{}", cost.stderr);
    assert!(cost.peak <= MOST, "{} KiB", cost.peak);
    cost
}

fn clean_block() -> Vec<u8> {
    let mut dice = Dice(7);
    let line = |n: usize| match n % 5 {
        0 => format!(
            "10.0.0.{} - - [12/Mar/2026:09:11:07 +0000] \"GET /v1/invoices/{n} HTTP/1.1\" 200 12 \"-\" \"curl/8\"\n",
            n % 250
        ),
        1 => format!(
            "{{\"level\":30,\"env\":\"production\",\"host\":\"api.stripe.com\",\"req\":{{\"id\":\"{n}\"}},\"msg\":\"request\"}}\n"
        ),
        2 => format!("2026-03-12T09:11:07.491Z INFO webhook delivered in {n} ms trace_id={}\n", dice.word(32, HEX)),
        3 => format!("<14>Mar 12 09:11:07 node2 pay[1956]: cache key user:{n}:profile hit token_bucket={n} auth=ok\n"),
        _ => format!("2026-03-12T09:11:07Z DEBUG {}\n", "lorem ipsum ".repeat(1 + n % 20)),
    };
    (0..100_000).map(line).collect::<String>().into_bytes()
}

#[test]
#[ignore = "full size: a gigabyte"]
fn case_02_a_gigabyte_of_clean_log() {
    let block = clean_block();
    let times = 1_000_000_000 / block.len() as u64 + 1;
    let parts = vec![(block, times)];
    let cost = exact("case 2", &["stream", "--redact"], parts.clone(), parts.clone());
    assert_eq!(cost.stderr, "");
    let rate = number(Expected::length(&parts) / 1_000_000) / cost.cpu;
    assert!(rate >= 200.0, "{rate:.0} MB per second of one core");
}

#[test]
#[ignore = "full size: 256 blobs of a mebibyte"]
fn case_12_random_blobs() {
    let mut dice = Dice(12);
    for _ in 0..256 {
        let blob: Vec<u8> = (0..1 << 20).map(|_| u8::try_from(dice.roll(256)).unwrap()).collect();
        let mut expected = Expected::new(vec![(blob.clone(), 1)]);
        let cost = poured(&["stream", "--redact"], writing(vec![(blob, 1)]), |bytes| expected.take(bytes));
        expected.end();
        assert_eq!((cost.code, cost.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
#[ignore = "full size: ten seconds, and no slower than the matrix says"]
fn case_33_35_and_36_in_time() {
    let tree = Tree::new();
    let mut child = super::command(&tree, &["stream", "--redact", "--alerts", "none"]).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut turn = |text: &str, wanted: &str| {
        let started = Instant::now();
        stdin.write_all(text.as_bytes()).unwrap();
        let mut got = vec![0; wanted.len()];
        stdout.read_exact(&mut got).unwrap();
        assert_eq!(String::from_utf8_lossy(&got), wanted);
        started.elapsed()
    };
    turn("ready\n", "ready\n");
    let mut worst = Duration::ZERO;
    for number in 0..10 {
        thread::sleep(Duration::from_secs(1));
        let line = format!("line {number}\n");
        worst = worst.max(turn(&line, &line));
    }
    let prompt = turn("login: ", "login: ");
    say(&format!("case 36: worst {worst:?}; case 35: {prompt:?}"));
    assert!(worst < Duration::from_millis(20) && prompt < Duration::from_millis(50));
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
#[ignore = "full size: ten thousand lines a second for a minute"]
fn case_37_ten_thousand_lines_a_second_for_a_minute() {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};
    let seconds = 60;
    let count = seconds * 10_000;
    // When each line went in, in nanoseconds.
    let sent: Arc<Vec<AtomicU64>> = Arc::new((0..count).map(|_| AtomicU64::new(0)).collect());
    let (stamps, started) = (Arc::clone(&sent), Instant::now());
    let nanos = move || u64::try_from(started.elapsed().as_nanos()).unwrap();
    let writer = move |mut to: ChildStdin| {
        let mut number = 0;
        while number < count {
            let due = usize::try_from(nanos() / 100_000).unwrap().min(count);
            let mut batch = Vec::new();
            for n in number..due {
                writeln!(batch, "{n} INFO request done trace_id=0123456789abcdef url=/v1/invoices?page=2 env=production")
                    .unwrap();
                stamps[n].store(nanos(), Ordering::Relaxed);
            }
            number = due.max(number);
            to.write_all(&batch).unwrap();
            thread::sleep(Duration::from_micros(100));
        }
    };
    let took = Mutex::new(Vec::with_capacity(count));
    let mut rest = Vec::new();
    let cost = poured(&["stream", "--redact"], writer, |bytes| {
        let now = nanos();
        rest.extend_from_slice(bytes);
        let end = rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        for line in rest[..end].split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let number: usize = std::str::from_utf8(line.split(|&byte| byte == b' ').next().unwrap()).unwrap().parse().unwrap();
            took.lock().unwrap().push(now - sent[number].load(Ordering::Relaxed));
        }
        rest.drain(..end);
    });
    let mut took = took.into_inner().unwrap();
    took.sort_unstable();
    let at = |share: usize| number(took[(took.len() - 1) * share / 1000] / 1000) / 1e3;
    say(&format!(
        "case 37: {} lines in {:.1} s, p50 {:.3} ms, p99 {:.3} ms, p99.9 {:.3} ms, {:.1} s of CPU",
        took.len(),
        cost.wall,
        at(500),
        at(990),
        at(999),
        cost.cpu
    ));
    assert_eq!((took.len(), cost.code), (count, Some(0)));
    assert!(at(990) < 5.0 && cost.cpu <= cost.wall);
}

/// GiB of a case that asks for ten.
fn gibibytes() -> u64 {
    std::env::var("KEYFENCE_GIB").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

#[test]
#[ignore = "full size: KEYFENCE_GIB, 10 by default"]
fn case_38_ten_gibibytes_without_a_newline() {
    let block: Vec<u8> =
        b"lorem ipsum dolor sit amet, env=production api.stripe.com ".iter().copied().cycle().take(1 << 20).collect();
    let before = gibibytes() * 1024 * 99 / 100;
    let after = gibibytes() * 1024 - before;
    let parts = |value: String| vec![(block.clone(), before), (format!(" k={value} ").into_bytes(), 1), (block.clone(), after)];
    exact("case 38", &["stream", "--redact"], parts(key("38")), parts("[REDACTED:standard-api-key]".to_owned()));
}

#[test]
#[ignore = "full size: a bomb of ten gibibytes"]
fn case_41_a_bomb_of_ten_gibibytes() {
    let line = super::bytes::bomb(640).into_bytes();
    let cost = exact("case 41", &["stream", "--redact"], vec![(line.clone(), 1)], vec![(line, 1)]);
    assert_eq!(cost.stderr, "");
}

#[test]
#[ignore = "full size: a gibibyte"]
fn case_44_a_gibibyte_of_pieces_without_an_end() {
    let record = |text: &str| format!("2026-03-12T09:11:07.491060044Z stdout P {text}\n").into_bytes();
    let filler = record(&"lorem48 ".repeat(2040));
    let key = key("44");
    let mask = "[REDACTED:standard-api-key]";
    let times = (1 << 29) / filler.len() as u64;
    let cut = |first: &str, second: &str| [record(&format!("k={first}")), record(&format!("{second} end"))].concat();
    let parts = |middle: Vec<u8>| vec![(filler.clone(), times), (middle, 1), (filler.clone(), times)];
    let args = ["stream", "--redact", "--protocol", "cri"];
    let cost = exact("case 44", &args, parts(cut(&key[..20], &key[20..])), parts(cut(mask, mask)));
    assert_eq!(super::alerts(&cost.stderr).len(), 1, "{}", cost.stderr);
}

#[test]
#[ignore = "full size: a million lines"]
fn case_66_one_key_on_a_million_lines() {
    let line = |value: &str| format!("2026-03-12T09:11:07Z k={value} 401\n").into_bytes();
    let key = key("66");
    let cost = exact(
        "case 66",
        &["stream", "--redact"],
        vec![(line(&key), 1_000_000)],
        vec![(line("[REDACTED:standard-api-key]"), 1_000_000)],
    );
    let alerts = super::alerts(&cost.stderr);
    say(&format!("case 66: {} alerts", alerts.len()));
    assert!(alerts.len() <= 20 && alerts.last().unwrap()["count"] == 1_000_000);
    super::keeps(&cost.stderr, &key);
}

#[test]
#[ignore = "full size: a million keys"]
fn case_67_a_million_different_keys() {
    let count = 1_000_000_u64;
    let write = move |mut to: ChildStdin| {
        let mut dice = Dice(67);
        for _ in 0..count / 1000 {
            let line = |dice: &mut Dice| format!("k=sk_live_{}\n", dice.word(40, HEX));
            let lines: String = (0..1000).map(|_| line(&mut dice)).collect();
            to.write_all(lines.as_bytes()).unwrap();
        }
    };
    let mut expected = Expected::new(vec![(b"k=[REDACTED:standard-api-key]\n".to_vec(), count)]);
    let cost = poured(&["stream", "--redact"], write, |bytes| expected.take(bytes));
    expected.end();
    cost.tell("case 67", count * 51);
    let limited = cost.stderr.lines().filter(|line| line.starts_with("{\"type\":\"alerts-limited\""));
    let held: u64 = limited
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["counts"]["standard-api-key"].as_u64().unwrap())
        .sum();
    let told = super::alerts(&cost.stderr).len() as u64;
    say(&format!("case 67: {told} told, {held} counted"));
    assert_eq!((cost.code, told + held), (Some(0), count));
    assert!(cost.peak <= MOST, "{} KiB", cost.peak);
}

#[test]
#[ignore = "full size: nine edges, and every cut of a key at each"]
fn case_32_every_cut_at_every_edge() {
    let key = crate::plant::expand("sk_live_{stripe99}", "edge");
    let mut cuts = 0;
    for edge in (12..=20).map(|power| 1usize << power) {
        for back in 0..=key.len() + 4 {
            let before = "y".repeat(edge - back);
            let line = format!("{before} k={key} z\n");
            let (head, tail) = line.as_bytes().split_at(edge);
            let whole = super::ran("lines", super::settings(), [line.as_bytes()]);
            let shown = whole.text();
            let rest = shown.strip_prefix(&before).unwrap();
            assert!(rest.starts_with(" k=[REDACTED:standard-api-key") && rest.ends_with("] z\n"), "{edge} {back}: {rest}");
            assert_eq!(super::ran("lines", super::settings(), [head, tail]), whole, "{edge} {back}");
            cuts += 1;
        }
    }
    say(&format!("case 32: {cuts} cuts"));
}
