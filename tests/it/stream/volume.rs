//! Many gigabytes of mixed traffic through the program, made on the way: every planted key is replaced, every
//! other byte is what it was, and the memory stays where it is.
//!
//!     KEYFENCE_PROGRAM=target/release/keyfence KEYFENCE_GIB=20 cargo test --test it volume -- --ignored --nocapture

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

/// Bytes of ordinary traffic between two keys, on average.
const APART: usize = 40_000;
/// What is made at once.
const BLOCK: usize = 256 * 1024;

/// Numbers that look random and are the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % sides
    }

    pub(super) fn word(&mut self, length: usize, letters: &[u8]) -> String {
        (0..length).map(|_| char::from(letters[self.roll(letters.len())])).collect()
    }
}

const BASE62: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub(super) const HEX: &[u8] = b"0123456789abcdef";

/// A line that holds no key.
fn ordinary(dice: &mut Dice) -> Vec<u8> {
    let (n, hex) = (dice.roll(1_000_000), dice.word(32, HEX));
    let line = match dice.roll(12) {
        0 => format!(
            "10.0.0.{} - - [12/Mar/2026:09:11:07 +0000] \"GET /v1/invoices/{n}?page=2 HTTP/1.1\" 200 {n} \"-\" \"curl/8\"",
            n % 250
        ),
        1 => format!(
            "{{\"level\":30,\"time\":17803587{n:06},\"env\":\"production\",\"host\":\"api.stripe.com\",\"req\":{{\"id\":\"{hex}\"}},\"msg\":\"request\"}}"
        ),
        2 => format!("2026-03-12T09:11:07.491Z INFO webhook evt_1{hex} delivered in {n} ms trace_id={hex}"),
        3 => format!("<14>Mar 12 09:11:07 node2 pay[1956]: cache key user:{n}:profile hit token_bucket={n} auth=ok"),
        4 => format!(
            "{{\"log\":\"{{\\\"msg\\\":\\\"retry {n}\\\",\\\"livemode\\\":true}}\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-19T00:00:00Z\"}}"
        ),
        5 => format!("2026-03-12T09:11:07Z stdout F task_live_reload_{n} disk_live_{hex} ok"),
        6 => "at com.acme.pay.Gateway.charge(Gateway.java:42)\r".to_owned(),
        7 => format!("\u{1b}[32mINFO\u{1b}[0m {} café ☕ {n}", "lorem ipsum ".repeat(1 + n % 20)),
        8 => format!("csp-report sample=Stripe('pk_live_{}') NEXT_PUBLIC_X", dice.word(24, BASE62)),
        9 => return [&b"\xff\xfe\0raw "[..], hex.as_bytes(), b"\0\x80\n"].concat(),
        10 => format!("x-request-id: {}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30]),
        _ => format!("2026-03-12T09:11:07Z DEBUG {}", "abc defg ".repeat(n % 90)),
    };
    format!("{line}\n").into_bytes()
}

/// A line with a key, and what is to become of it.
fn planted(dice: &mut Dice) -> (String, String) {
    let (key, class) = match dice.roll(5) {
        0 => ("sk_live_".to_owned() + &dice.word(24, BASE62), "standard-api-key"),
        1 => ("sk_live_".to_owned() + &dice.word(40, HEX), "standard-api-key"),
        2 => ("rk_live_".to_owned() + &dice.word(99, BASE62), "restricted-key"),
        3 => (format!("whsec_{}", dice.word(32, BASE62)), "webhook-secret"),
        _ => (format!("FLWSECK-{}-X", dice.word(32, HEX)), "standard-api-key"),
    };
    let mask = format!("[REDACTED:{class}]");
    let line = |value: &str| match dice.0 % 6 {
        0 => format!("{{\"level\":50,\"headers\":{{\"authorization\":\"Bearer {value}\"}},\"n\":1}}\n"),
        1 => format!("\"GET /pay?next=%2Fx%3Fk%3D{value}%26ok%3D1 HTTP/1.1\" 401\n"),
        2 => format!("could not parse 'live:\\t{value}\\n'\n"),
        3 => format!("k={value}\r\n"),
        4 => format!("{{\"raw\":\"{{\\\"credential\\\":\\\"{value}\\\"}}\"}}\n"),
        _ => format!("using **{value}** again\n"),
    };
    (line(&key), line(&mask))
}

/// Writes traffic in pieces of any size, and says what is to come out.
fn write(mut to: impl Write, total: u64, expected: &SyncSender<Vec<u8>>) -> u64 {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let pool: Vec<u8> = (0..60_000).flat_map(|_| ordinary(&mut dice)).collect();
    let starts: Vec<usize> = memchr::memchr_iter(b'\n', &pool).map(|at| at + 1).collect();
    let (mut written, mut keys) = (0, 0);
    while written < total {
        let (mut input, mut output) = (Vec::with_capacity(2 * BLOCK), Vec::with_capacity(2 * BLOCK));
        while input.len() < BLOCK {
            let from = dice.roll(starts.len() - 1);
            let until = starts.partition_point(|&at| at < starts[from] + dice.roll(2 * APART)).min(starts.len() - 1).max(from);
            let plain = &pool[starts[from]..starts[until]];
            input.extend_from_slice(plain);
            output.extend_from_slice(plain);
            let (line, redacted) = planted(&mut dice);
            input.extend_from_slice(line.as_bytes());
            output.extend_from_slice(redacted.as_bytes());
            keys += 1;
        }
        written += input.len() as u64;
        expected.send(output).unwrap();
        let mut rest = &input[..];
        while !rest.is_empty() {
            let sizes = [1, 7, 300, 5_000, 70_000, 200_000][dice.roll(6)];
            let (piece, more) = rest.split_at((1 + dice.roll(sizes)).min(rest.len()));
            to.write_all(piece).unwrap();
            rest = more;
        }
    }
    keys
}

/// Compares everything that comes out with what was to come.
fn compare(mut from: impl Read, expected: &Receiver<Vec<u8>>) -> u64 {
    let mut buffer = vec![0; BLOCK];
    let mut compared = 0;
    for wanted in expected {
        let mut rest = &wanted[..];
        while !rest.is_empty() {
            let length = rest.len().min(BLOCK);
            let read = from.read(&mut buffer[..length]).unwrap();
            assert!(read > 0, "the output ends after {compared} bytes");
            if buffer[..read] != rest[..read] {
                let at = (0..read).find(|&at| buffer[at] != rest[at]).unwrap();
                let around = |bytes: &[u8]| {
                    String::from_utf8_lossy(&bytes[at.saturating_sub(200)..(at + 60).min(bytes.len())]).into_owned()
                };
                panic!("byte {} differs:\n{}\nwanted\n{}", compared + at as u64, around(&buffer[..read]), around(&rest[..read]));
            }
            compared += read as u64;
            rest = &rest[read..];
        }
    }
    assert_eq!(from.read(&mut buffer).unwrap(), 0, "more than was to come");
    compared
}

/// Memory of a process in KiB, now and at its peak.
pub(super) fn memory(pid: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let row = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    (row("VmRSS:").unwrap_or(0), row("VmHWM:").unwrap_or(0))
}

fn volume(total: u64) {
    let mut child = Command::new(super::program())
        .args(["stream", "--redact", "--alerts", "none"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (stdin, stdout, pid) = (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.id());
    let (sender, receiver) = sync_channel(16);
    let started = Instant::now();
    let writer = thread::spawn(move || write(stdin, total, &sender));
    let sampler = thread::spawn(move || {
        let mut samples = Vec::new();
        while let (now, peak @ 1..) = memory(pid) {
            samples.push((now, peak));
            thread::sleep(std::time::Duration::from_millis(500));
        }
        samples
    });
    let compared = compare(stdout, &receiver);
    let keys = writer.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let samples = sampler.join().unwrap();
    let (early, peak) =
        (samples.get(samples.len() / 10).map_or(0, |sample| sample.1), samples.iter().map(|sample| sample.1).max());
    let peak = peak.unwrap_or(0);
    let (mebibytes, seconds) = (compared >> 20, started.elapsed().as_secs());
    let told = format!(
        "{mebibytes} MiB out, {keys} keys, {seconds} s, {} MiB/s, peak {} MiB, {} MiB after a tenth",
        mebibytes / seconds.max(1),
        peak / 1024,
        early / 1024,
    );
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{told}").unwrap();
    assert!(peak < 96 * 1024, "{peak} KiB");
    assert!(peak <= early + 8 * 1024 || seconds < 5, "the memory grows: {early} to {peak} KiB");
}

#[test]
fn a_few_megabytes_of_mixed_traffic() {
    volume(6 << 20);
}

#[test]
#[ignore = "takes minutes: KEYFENCE_GIB, 20 by default"]
fn many_gigabytes_of_mixed_traffic() {
    let gib: u64 = std::env::var("KEYFENCE_GIB").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    volume(gib << 30);
}
