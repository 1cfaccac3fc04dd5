//! The promises of a stream, on the library: what goes out, what is told, and that neither depends on
//! how the bytes arrive.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Blocked, Eye, Fault, Filter, Framed, Hub, Lines, Mask, OnError, Settings, Sink};
use crate::credential::FingerprintKey;
use crate::record::framing::Framing;
use crate::rule::RuleSet;
use crate::rule::examples::expand;

/// Collects what a sink writes.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        redact: true,
        mask: Mask::Label,
        on_error: OnError::Quarantine,
        max_line: 1024 * 1024,
        hold: Duration::from_secs(2),
        fingerprints: FingerprintKey::kept(b"sixteen bytes or more"),
        json: true,
        declared: crate::environment::declared::Declared::default(),
    }
}

/// One eye for all tests: building the rules takes longer than a test.
pub(super) fn eye() -> Arc<Eye> {
    static EYE: std::sync::LazyLock<Arc<Eye>> = std::sync::LazyLock::new(|| Arc::new(Eye::new(RuleSet::builtin().into(), None)));
    Arc::clone(&EYE)
}

pub(super) fn hub(settings: Settings) -> (Hub, Shared) {
    let alerts = Shared::default();
    let out = alerts.clone();
    let sink = Sink::start(Box::new(move || Ok(Box::new(out.clone()))), Box::new(|_| {})).unwrap();
    (Hub::new(settings, eye(), Some(sink), None), alerts)
}

/// What a run put out and told, without what depends on the clock.
#[derive(Debug, PartialEq)]
struct Run {
    out: String,
    alerts: Vec<String>,
    counts: [u64; 5],
}

fn run(settings: Settings, pieces: &[&[u8]], pauses: bool) -> Result<Run, Blocked> {
    run_in(Box::new(Lines::new("-")), settings, pieces, pauses)
}

fn run_in(mut lines: Box<dyn Filter>, settings: Settings, pieces: &[&[u8]], pauses: bool) -> Result<Run, Blocked> {
    let (mut hub, alerts) = hub(settings);
    let mut out = Vec::new();
    for piece in pieces {
        lines.push(piece, &mut hub, &mut out)?;
        if pauses {
            lines.idle(&mut hub, &mut out);
        }
    }
    lines.finish(&mut hub, &mut out)?;
    hub.finish();
    let text = String::from_utf8_lossy(&alerts.0.lock().unwrap()).into_owned();
    let stable = |line: &str| {
        let (head, tail) = line.split_once("\"ts\":").unwrap();
        format!("{head}{}", tail.split_once(',').unwrap().1)
    };
    let counters = &hub.counters;
    let counts = [counters.lines, counters.redactions, counters.quarantined, counters.passed, counters.windows];
    Ok(Run { out: String::from_utf8_lossy(&out).into_owned(), alerts: text.lines().map(stable).collect(), counts })
}

fn whole(text: &str) -> Run {
    run(settings(), &[text.as_bytes()], false).unwrap()
}

fn text(template: &str) -> String {
    expand(template, "stream").unwrap()
}

/// A log of many forms, in which nothing may be shown that has not been decided.
const MIXED: &str = "2026-03-12T09:11:07Z INFO start pid=1\n\
    key=sk_live_{base62:24} request_id=r-1\r\n\
    -----BEGIN RSA PRIVATE KEY-----\n{base64:64}\n{base64:64}\n{base64:30}==\n-----END RSA PRIVATE KEY-----\n\
    > x-client-id: {uuid4}\n> x-client-secret: {uuid4}\n> x-request-id: {uuid4}\n\
    x-client-secret:\n  {uuid4}\nhost:\n  api.payca.vc\n\
    GET /?a=1%26api_key%3Dsk_live_{base62:24}%26b=2 HTTP/1.1\n\
    Authorization: Basic {base64of:sk_live_{base62:24}:}\n\
    {{\"log\":\"{{\\\"k\\\":\\\"sk\\\\u005flive\\\\u005f{base62:24}\\\"}}\"}}\n\
    pk_live_{base62:24} sent to nobody\nsk_live_ disk_live_{base62:26} \x1b[32msk_live_{base62:99}\x1b[0m\n\
    \0\0sk_live_{hex:40}\0 password: prompt login: whsec_{base62:32} whsec_{base62:32}\n\
    {base64:76}\n{base64:76}\nlast words key=sk_live_{base62:50}";

#[test]
fn any_split_gives_the_same() {
    let log = text(MIXED);
    let expected = whole(&log);
    assert!(expected.counts[1] >= 14, "{expected:?}");
    let bytes: Vec<&[u8]> = log.as_bytes().chunks(1).collect();
    assert_eq!(run(settings(), &bytes, false).unwrap(), expected);
    assert_eq!(run(settings(), &bytes, true).unwrap(), expected);
    for size in [2, 3, 7, 16, 61, 100, 511, 1000] {
        let pieces: Vec<&[u8]> = log.as_bytes().chunks(size).collect();
        assert_eq!(run(settings(), &pieces, true).unwrap(), expected, "{size}");
    }
}

/// The lines of the mixed log, wrapped: cut in pieces, of two streams in turn.
fn wrapped(framing: Framing, log: &str) -> String {
    let stamp = "2026-03-12T09:11:07.491060044Z";
    let record = |stream: &str, text: &str, last: bool| match framing {
        Framing::DockerJson => {
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\r', "\\r")
                .replace('\0', "\\u0000")
                .replace('\x1b', "\\u001b");
            format!("{{\"log\":\"{text}{}\",\"stream\":\"{stream}\",\"time\":\"{stamp}\"}}\n", if last { "\\n" } else { "" })
        }
        Framing::Cri => format!("{stamp} {stream} {} {text}\n", if last { "F" } else { "P" }),
        Framing::Syslog => format!("<14>Mar 12 09:11:07 {stream} pay[1956]: {text}\n"),
    };
    let mut out = String::new();
    for (number, line) in log.lines().enumerate() {
        let (stream, other) = if number % 5 < 3 { ("stdout", "stderr") } else { ("stderr", "stdout") };
        let half = if number % 3 == 0 && framing != Framing::Syslog { line.len() / 2 } else { 0 };
        if half > 0 {
            out.push_str(&record(stream, &line[..half], false));
            out.push_str(&record(other, &format!("in between env=prod card={}", "4242".repeat(4)), true));
        }
        out.push_str(&record(stream, &line[half..], true));
    }
    out
}

#[test]
fn any_split_of_wrapped_lines_gives_the_same() {
    for framing in [Framing::DockerJson, Framing::Cri, Framing::Syslog] {
        let log = wrapped(framing, &text(MIXED));
        let filter = || -> Box<dyn Filter> { Box::new(Framed::new("-", framing)) };
        let expected = run_in(filter(), settings(), &[log.as_bytes()], false).unwrap();
        assert!(expected.counts[1] >= 8 && expected.alerts.len() >= 8, "{framing:?} {expected:?}");
        for size in [1, 2, 7, 61, 100, 511, 1000, 4000] {
            let pieces: Vec<&[u8]> = log.as_bytes().chunks(size).collect();
            assert_eq!(run_in(filter(), settings(), &pieces, true).unwrap(), expected, "{framing:?} {size}");
        }
        let twice = run_in(filter(), settings(), &[expected.out.as_bytes()], false).unwrap();
        assert_eq!(twice.out, expected.out, "{framing:?}");
        assert!(!twice.alerts.iter().any(|alert| alert.contains("\"redacted\":true")), "{framing:?} {:?}", twice.alerts);
    }
}

/// Half a line of one stream, and then only others.
fn half_a_line_and_others(records: usize) -> (String, String) {
    let stamp = "2026-03-12T09:11:07.491060044Z";
    let key = text("sk_live_{base62:24}");
    let half = format!("{stamp} stdout P {} k={}\n", "x".repeat(100), &key[..20]);
    let others = (0..records).map(|n| format!("{stamp} stderr F an ordinary line {n}\n")).collect::<Vec<_>>().concat();
    (format!("{half}{others}{stamp} stdout F {} end\n", &key[20..]), key)
}

#[test]
fn half_a_line_keeps_the_others_waiting_for_so_many_bytes_at_most() {
    let settings = || Settings { max_line: 1024, ..settings() };
    let most = 4 * (1024 + crate::detect::REACH);
    let (log, key) = half_a_line_and_others(6000);
    let (mut hub, _) = hub(settings());
    let mut filter = Framed::new("-", Framing::Cri);
    let (mut out, mut pushed) = (Vec::new(), 0);
    for record in log.split_inclusive('\n') {
        filter.push(record.as_bytes(), &mut hub, &mut out).unwrap();
        pushed += record.len();
        let held = pushed.saturating_sub(out.len());
        assert!(held < most + 2 * 64 * 1024, "{held} bytes are held");
    }
    filter.finish(&mut hub, &mut out).unwrap();
    let whole = run_in(Box::new(Framed::new("-", Framing::Cri)), settings(), &[log.as_bytes()], false).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), whole.out);
    assert_eq!((whole.counts[1], whole.out.lines().count()), (2, log.lines().count()));
    assert!(!whole.out.contains(&key[10..20]) && !whole.out.contains(&key[20..]), "both halves are gone");
    for size in [1000, 70_000] {
        let pieces: Vec<&[u8]> = log.as_bytes().chunks(size).collect();
        assert_eq!(run_in(Box::new(Framed::new("-", Framing::Cri)), settings(), &pieces, true).unwrap(), whole, "{size}");
    }
}

#[test]
fn a_record_that_is_too_long_is_refused_however_it_comes() {
    let key = text("sk_live_{base62:24}");
    let record = |text: &str| format!("{{\"log\":\"{text}\\n\",\"stream\":\"stdout\"}}\n");
    let long = record(&format!("{} k={key} {}", "x ".repeat(12_000), "y ".repeat(20_000)));
    let log = [record("one"), long.clone(), record(&format!("k={key}")), long.clone(), record("last")].concat();
    let settings = |on_error| Settings { max_line: 1024, on_error, ..settings() };
    let filter = || Box::new(Framed::new("-", Framing::DockerJson));
    for ended in [log.as_bytes(), &log.as_bytes()[..log.len() - record("last").len() - 5]] {
        let whole = run_in(filter(), settings(OnError::Quarantine), &[ended], false).unwrap();
        let stubs = whole.out.matches("[QUARANTINED:").count();
        assert!(whole.out.starts_with(&record("one")) && stubs >= 2 && !whole.out.contains("x x"), "{}", whole.out);
        assert_eq!((whole.out.matches("[REDACTED:").count(), whole.out.contains(&key[8..20])), (1, false));
        assert_eq!(whole.counts[2], stubs as u64);
        for size in [1, 700, 5000, 65_536] {
            let pieces: Vec<&[u8]> = ended.chunks(size).collect();
            assert_eq!(run_in(filter(), settings(OnError::Quarantine), &pieces, true).unwrap(), whole, "{size}");
        }
    }
    let passed = run_in(filter(), settings(OnError::Pass), &[log.as_bytes()], false).unwrap();
    assert_eq!(passed.out.matches(&long).count(), 2);
    assert_eq!(run_in(filter(), settings(OnError::Block), &[log.as_bytes()], false), Err(Blocked));
}

#[test]
fn half_a_line_keeps_the_others_waiting_for_so_long_at_most() {
    let hold = Duration::from_millis(40);
    let (log, key) = half_a_line_and_others(20);
    let (mut hub, _) = hub(Settings { hold, ..settings() });
    let mut filter = Framed::new("-", Framing::Cri);
    let mut out = Vec::new();
    let mut records = log.split_inclusive('\n');
    // The other stream never rests, and says nothing of the line that is waited for.
    for record in records.by_ref().take(15) {
        filter.push(record.as_bytes(), &mut hub, &mut out).unwrap();
        filter.idle(&mut hub, &mut out);
        std::thread::sleep(Duration::from_millis(5));
        if filter.deadline(hold).is_some_and(|at| at <= std::time::Instant::now()) {
            filter.expire(&mut hub, &mut out).unwrap();
        }
    }
    assert!(!out.is_empty(), "what is due goes out");
    assert_eq!(filter.deadline(hold), None);
    records.for_each(|record| filter.push(record.as_bytes(), &mut hub, &mut out).unwrap());
    filter.finish(&mut hub, &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(!out.contains(&key[10..20]) && !out.contains(&key[20..]), "{out}");
    assert_eq!(out.lines().count(), log.lines().count());
}

#[test]
fn case_33_and_34_in_wrapped_lines_wherever_the_key_is_cut() {
    let hold = Duration::ZERO;
    for template in ["sk_live_{stripe99}", "LIVE_API_KEY:{hex:32}:{hex:32}", "FLWSECK-{hex:32}-X", "whsec_{base62:32}"] {
        let key = text(template);
        let body = key.find(['-', ':']).or_else(|| key.rfind('_')).unwrap() + 1;
        for cut in 1..key.len() {
            for framing in [Framing::Cri, Framing::DockerJson] {
                let record = |text: &str, last: bool| match framing {
                    Framing::Cri => format!("2026-03-12T09:11:07Z stdout {} {text}\n", if last { "F" } else { "P" }),
                    _ => format!("{{\"log\":\"{text}{}\",\"stream\":\"stdout\"}}\n", if last { "\\n" } else { "" }),
                };
                let (mut hub, _) = hub(Settings { hold, ..settings() });
                let mut filter = Framed::new("-", framing);
                let mut out = Vec::new();
                filter.push(record(&format!("a k={}", &key[..cut]), false).as_bytes(), &mut hub, &mut out).unwrap();
                filter.expire(&mut hub, &mut out).unwrap();
                assert!(!out.is_empty(), "what is due goes out");
                filter.push(record(&format!("{} end", &key[cut..]), true).as_bytes(), &mut hub, &mut out).unwrap();
                filter.finish(&mut hub, &mut out).unwrap();
                let out = String::from_utf8(out).unwrap();
                for run in key.as_bytes()[body..].windows(8) {
                    let run = std::str::from_utf8(run).unwrap();
                    assert!(!out.contains(run), "{framing:?} {cut} of {}: {out}", key.len());
                }
                let lines: Vec<&str> = out.lines().collect();
                assert!(lines.len() == 2 && lines[0].contains("a k=") && lines[1].contains(" end"), "{out}");
            }
            // The same in a plain line.
            let (mut hub, _) = hub(Settings { hold, ..settings() });
            let mut lines = Lines::new("-");
            let mut out = Vec::new();
            lines.push(format!("a k={}", &key[..cut]).as_bytes(), &mut hub, &mut out).unwrap();
            lines.idle(&mut hub, &mut out);
            lines.expire(&mut hub, &mut out).unwrap();
            lines.push(format!("{} end\n", &key[cut..]).as_bytes(), &mut hub, &mut out).unwrap();
            lines.finish(&mut hub, &mut out).unwrap();
            let out = String::from_utf8(out).unwrap();
            for run in key.as_bytes()[body..].windows(8) {
                assert!(!out.contains(std::str::from_utf8(run).unwrap()), "{cut} of {}: {out}", key.len());
            }
            assert!(out.starts_with("a k=") && out.ends_with(" end\n"), "{out}");
        }
    }
}

#[test]
fn case_33_and_34_in_an_encoding_wherever_it_is_cut() {
    let key = text("sk_live_{base62:24}");
    let (percent, json) = (key.replace('_', "%5F"), key.replace('_', "\\u005f"));
    let (bodies, basic) = (text("{base64:168}"), text("{base64of:sk_live_{base62:24}:}"));
    let bodies: Vec<String> = bodies.as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    let pem = format!("-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n", bodies.join("\\n"));
    let opaque = text("{base64of:{uuid4}:{base62:40}}");
    let body = |text: &str| text[text.rfind(['_', 'F', 'f']).unwrap() + 1..].to_owned();
    for (before, secret, parts, behind) in [
        ("GET /a?k=", percent.as_str(), vec![body(&key)], "&b=1 end\n"),
        ("{\"p\":\"", &json, vec![body(&key)], "\",\"b\":1} end\n"),
        ("Authorization: Basic ", &basic, vec![basic[12..40].to_owned()], " end\n"),
        ("Authorization: Basic ", &opaque, vec![opaque[52..100].to_owned()], " end\n"),
        ("{\"p\":\"", &pem, bodies.clone(), "\",\"b\":1} end\n"),
        ("{\"log\":\"{\\\"p\\\":\\\"", &pem.replace('\\', "\\\\"), bodies, "\\\"}\"} end\n"),
    ] {
        for cut in 1..secret.len() {
            let (mut hub, _) = hub(Settings { hold: Duration::ZERO, ..settings() });
            let mut lines = Lines::new("-");
            let mut out = Vec::new();
            lines.push(format!("{before}{}", &secret[..cut]).as_bytes(), &mut hub, &mut out).unwrap();
            lines.idle(&mut hub, &mut out);
            lines.expire(&mut hub, &mut out).unwrap();
            lines.push(format!("{}{behind}", &secret[cut..]).as_bytes(), &mut hub, &mut out).unwrap();
            lines.finish(&mut hub, &mut out).unwrap();
            let out = String::from_utf8(out).unwrap();
            for run in parts.iter().flat_map(|part| part.as_bytes().windows(8)) {
                assert!(!out.contains(std::str::from_utf8(run).unwrap()), "{before} {cut} of {}: {out}", secret.len());
            }
            assert!(out.starts_with(before) && out.ends_with(" end\n"), "{before} {cut}: {out}");
        }
    }
}

#[test]
fn redacting_twice_changes_nothing() {
    for mask in Mask::ALL {
        let settings = || Settings { mask, ..settings() };
        let once = run(settings(), &[text(MIXED).as_bytes()], false).unwrap();
        let twice = run(settings(), &[once.out.as_bytes()], false).unwrap();
        assert_eq!(twice.out, once.out);
        assert_eq!(twice.alerts, Vec::<String>::new(), "{}", once.out);
    }
}

#[test]
fn a_private_key_goes_line_by_line_until_it_ends() {
    let body = text("{base64:64}");
    let log = format!("a\n-----BEGIN PRIVATE KEY-----\n{body}\n{body}\n-----END PRIVATE KEY-----\nb {body}\n");
    let seen = whole(&log);
    let mask = "[REDACTED:private-key]";
    let expected = format!("a\n-----BEGIN PRIVATE KEY-----\n{mask}\n{mask}\n-----END PRIVATE KEY-----\nb {body}\n");
    assert_eq!(seen.out, expected);
    assert_eq!(seen.alerts.len(), 1);
    let broken = whole(&format!("-----BEGIN PRIVATE KEY-----\n{body}\nconnection closed.\nb {body}\n"));
    assert_eq!(broken.out, format!("-----BEGIN PRIVATE KEY-----\n{mask}\nconnection closed.\nb {body}\n"));
    assert!(broken.alerts[0].contains("\"truncated\":true"), "{:?}", broken.alerts);
    assert_eq!(whole("-----BEGIN PRIVATE KEY-----\nMIIEv...\n-----END PRIVATE KEY-----\n").alerts.len(), 0);
    let ended = whole(&format!("-----BEGIN PRIVATE KEY-----\n{body}"));
    assert_eq!(ended.out, format!("-----BEGIN PRIVATE KEY-----\n{mask}"));
    assert_eq!(ended.alerts.len(), 1);
}

#[test]
fn a_keystore_goes_line_by_line_until_its_last() {
    let lines: Vec<String> = ["/u3+7QAAAAIAAAAB{base64:60}", "{base64:76}", "{base64:30}=="].map(text).to_vec();
    let mask = "[REDACTED:private-key]";
    let seen = whole(&format!("keystore: {}\ndone\n", lines.join("\n")));
    assert_eq!(seen.out, format!("keystore: {mask}\n{mask}\n{mask}\ndone\n"));
    assert_eq!(seen.alerts.len(), 1, "{:?}", seen.alerts);
    assert!(seen.alerts[0].contains("\"truncated\":false"));
    // One line of it, and an ordinary word behind.
    let one = whole(&format!("{{\"p12\":\"{}\"}}\ndone\n", text("MIIJaQIBAzCC{base64:200}")));
    assert_eq!((one.out, one.alerts.len()), (format!("{{\"p12\":\"{mask}\"}}\ndone\n"), 1));
    let bare = whole(&format!("{}\ndone\n", lines[0]));
    assert_eq!((bare.out, bare.alerts.len()), (format!("{mask}\ndone\n"), 1));
    let split: Vec<u8> = format!("keystore: {}\ndone\n", lines.join("\n")).into_bytes();
    assert_eq!(run(settings(), &split.chunks(1).collect::<Vec<_>>(), true).unwrap(), seen);
}

#[test]
fn case_33_a_key_in_two_halves_with_a_long_pause_between() {
    let key = text("sk_live_{base62:24}");
    let (mut hub, alerts) = hub(settings());
    let mut lines = Lines::new("-");
    let mut out = Vec::new();
    lines.push(format!("a key={}", &key[..20]).as_bytes(), &mut hub, &mut out).unwrap();
    lines.idle(&mut hub, &mut out);
    assert_eq!(out, b"a ");
    lines.expire(&mut hub, &mut out).unwrap();
    assert!(out.starts_with(b"a key=[REDACTED:standard-api-key:") && out.ends_with(b"]"));
    let shown = out.len();
    lines.push(&key.as_bytes()[20..], &mut hub, &mut out).unwrap();
    lines.idle(&mut hub, &mut out);
    assert_eq!(out.len(), shown, "what continues the key is swallowed");
    lines.push(b" b\n", &mut hub, &mut out).unwrap();
    assert!(out.ends_with(b"] b\n"));
    lines.finish(&mut hub, &mut out).unwrap();
    hub.finish();
    let alerts = String::from_utf8(alerts.0.lock().unwrap().clone()).unwrap();
    assert!(alerts.lines().next().unwrap().contains("\"truncated\":true"), "{alerts}");
    assert!(alerts.lines().nth(1).unwrap().contains("\"truncated\":false"), "{alerts}");
}

#[test]
fn case_34_half_a_key_a_pause_and_the_end() {
    for (head, half) in [("key=", "sk_live_{base62:9}"), ("x-client-secret: ", "{hex:8}-{hex:4}-4")] {
        let half = text(half);
        let (mut hub, alerts) = hub(settings());
        let mut lines = Lines::new("-");
        let mut out = Vec::new();
        lines.push(format!("{head}{half}").as_bytes(), &mut hub, &mut out).unwrap();
        lines.idle(&mut hub, &mut out);
        lines.expire(&mut hub, &mut out).unwrap();
        lines.finish(&mut hub, &mut out).unwrap();
        hub.finish();
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with(&format!("{head}[REDACTED:")) && !out.contains(&half), "{out}");
        assert!(String::from_utf8(alerts.0.lock().unwrap().clone()).unwrap().contains("\"truncated\":true"));
    }
}

#[test]
fn case_35_a_prompt_is_shown_at_once() {
    let (mut hub, _) = hub(settings());
    let mut lines = Lines::new("-");
    let mut out = Vec::new();
    lines.push(b"login: ", &mut hub, &mut out).unwrap();
    lines.idle(&mut hub, &mut out);
    assert_eq!(out, b"login: ");
    assert_eq!(lines.deadline(Duration::from_secs(2)), None);
}

#[test]
fn case_74_a_rule_that_panics_costs_one_line() {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let key = text("sk_live_{base62:24}");
    let log = format!("one\ntwo a rule that panics {key}\nthree {key}\n");
    let seen = whole(&log);
    let many = format!("{}{log}", "an ordinary line\n".repeat(1000));
    let among = whole(&many);
    let passed = run(Settings { on_error: OnError::Pass, ..settings() }, &[log.as_bytes()], false).unwrap();
    let blocked = run(Settings { on_error: OnError::Block, ..settings() }, &[log.as_bytes()], false);
    std::panic::set_hook(quiet);
    let lines: Vec<&str> = seen.out.lines().collect();
    assert_eq!(lines[0], "one");
    assert!(lines[1].starts_with("[QUARANTINED:") && !lines[1].contains(' '), "{}", lines[1]);
    assert!(lines[2].starts_with("three [REDACTED:"), "{}", lines[2]);
    assert_eq!((seen.counts[2], among.counts[2]), (1, 1));
    assert!(among.out.ends_with(&seen.out));
    // Case 75.
    assert_eq!(passed.counts[3], 1);
    assert!(passed.out.contains("two a rule that panics"));
    assert_eq!(blocked, Err(Blocked));
}

#[test]
fn the_work_for_a_line_has_a_limit_that_no_line_that_we_know_comes_near() {
    let line = |text: &str| text.chars().cycle().take(64 * 1024).collect::<String>();
    let takes = |text: &str, part: usize| {
        let eye = Eye::new(RuleSet::builtin().into(), None).bounded(text.len() / part);
        eye.look(text.as_bytes(), 0..text.len()).map(|_| ())
    };
    let hostile = [
        "sk_live_",
        "key=",
        "[",
        "%25",
        "\\",
        "c2tfbGl2ZV8",
        "%73k_live_%2573k_live_",
        "\\u0073k_live_",
        "api_key=\\\"",
        "env=prod host api.stripe.com card 4242424242424242 ",
        "secret token auth ",
        "eyJhbGciOi",
    ];
    for text in hostile.map(line) {
        assert_eq!(takes(&text, 8), Ok(()), "{}", &text[..16]);
    }
    assert_eq!(takes(&line(&text(MIXED)), 16), Ok(()));
    let ordinary = "2026-03-12T09:11:07Z INFO request GET https://api.example.com/v1/items?page=2 200 in 3 ms trace=8f1c\n";
    assert_eq!(takes(&line(ordinary), 400), Ok(()));
    assert_eq!(takes(&line("sk_live_"), 64), Err(Fault::Work));
}

#[test]
fn long_lines_are_cut_into_windows_wherever_they_arrive() {
    let settings = || Settings { max_line: 64 * 1024, ..settings() };
    let filler = |length: usize| "lorem ipsum dolor ".chars().cycle().take(length).collect::<String>();
    for before in [65_500, 65_520, 65_536, 98_290, 131_050, 200_000, 262_140] {
        let key = text("sk_live_{base62:50}");
        let log = format!("x\n{} k={key} {}\nafter {key}\n", filler(before), filler(150_000));
        let expected = run(settings(), &[log.as_bytes()], false).unwrap();
        assert_eq!(expected.out.matches("[REDACTED:").count(), 2, "{before}");
        assert!(!expected.out.contains(&key[12..20]));
        let mask = expected.out.split('[').nth(1).unwrap().split(']').next().unwrap();
        assert_eq!(expected.out, log.replace(&key, &format!("[{mask}]")));
        for size in [1000, 65_536, 100_001] {
            let pieces: Vec<&[u8]> = log.as_bytes().chunks(size).collect();
            assert_eq!(run(settings(), &pieces, true).unwrap(), expected, "{before} {size}");
        }
    }
}

#[test]
fn without_redaction_nothing_goes_out() {
    let seen = run(Settings { redact: false, ..settings() }, &[text(MIXED).as_bytes()], true).unwrap();
    assert_eq!(seen.out, "");
    assert_eq!(seen.alerts.len(), whole(&text(MIXED)).alerts.len());
}
