//! What records say of environments beside their secrets, and what secrets say together with them: told once,
//! never redacted.

use std::fs;

use super::{Ran, ran, settings, stream, stream_in};
use crate::plant::{Tree, expand};

/// Kind and severity of everything that was told first.
fn told(ran: &Ran) -> Vec<String> {
    let first = ran.alerts.iter().filter(|alert| alert["type"] == "alert" && alert["count"] == 1);
    first.map(|alert| format!("{} {}", alert["kind"].as_str().unwrap(), alert["severity"].as_str().unwrap())).collect()
}

fn of(template: &str) -> (String, Ran) {
    let log = expand(template, template);
    let ran = ran("lines", settings(), [log.as_bytes()]);
    (log, ran)
}

/// What is told of a log.
fn of_log(template: &str) -> Vec<String> {
    told(&of(template).1)
}

const EVENT: &str = r#"{{"env":"production","event":{{"id":"evt_1{base62:23}","object":"event","livemode":false}}}}"#;

#[test]
fn facts_are_told_where_the_record_says_whose_they_are() {
    for (kind, record) in [
        ("sandbox-event-in-production-log medium", EVENT.to_owned()),
        ("live-event-in-nonproduction-log high", EVENT.replace("production", "staging").replace("false", "true")),
        (
            "sandbox-endpoint-in-production-log high",
            r#"{{"env":"prod","url":"https://api.sandbox.payca.io/v1/users"}}"#.to_owned(),
        ),
        (
            "sandbox-endpoint-in-production-log high",
            r#"{{"env":"prod","base":"https://api.payca.vc","path":"https://api.payca.vc/sandbox/transactions"}}"#.to_owned(),
        ),
        ("test-card-in-production-log medium", "level=info env=production card=4242 4242 4242 4242 ok".to_owned()),
    ] {
        let (log, seen) = of(&format!("{record}\n"));
        assert_eq!(told(&seen), [kind], "{record}");
        assert_eq!((seen.text(), seen.redactions()), (log, 0), "nothing of it is redacted");
        assert_eq!(seen.alerts[0]["redacted"], false);
    }
}

#[test]
fn facts_that_contradict_nothing_are_silent() {
    for record in [
        EVENT.replace("production", "staging"),
        EVENT.replace("false", "true"),
        EVENT.replace("\"env\":\"production\",", ""),
        r#"{{"env":"staging","url":"https://api.sandbox.payca.io/v1/users"}}"#.to_owned(),
        r#"{{"env":"production","url":"https://api.stripe.com/v1/charges"}}"#.to_owned(),
        "card=4242 4242 4242 4242 ok".to_owned(),
        "env=staging card=4242424242424242 ok".to_owned(),
    ] {
        assert_eq!(of_log(&format!("{record}\n")), Vec::<String>::new(), "{record}");
    }
}

#[test]
fn a_test_card_is_never_shown_whole() {
    let (_, seen) = of("env=production card=4242 4242 4242 4242 and 4000056655665556 k=sk_live_{base62:24}\n");
    for alert in &seen.alerts {
        let text = alert.to_string();
        assert!(!text.contains("4242 4242 4242") && !text.contains("400005665566"), "{text}");
    }
    assert_eq!(told(&seen).len(), 3, "{:?}", told(&seen));
}

#[test]
fn a_key_and_its_record() {
    for (kinds, record) in [
        (vec!["sandbox-key-in-production-log high"], "env=production k=sk_test_{base62:24}"),
        (vec!["live-key-in-nonproduction-log critical"], "env=staging k=sk_live_{base62:24}"),
        (vec!["live-key-in-log critical"], "env=production k=sk_live_{base62:24}"),
        // D40 to D43, within one record.
        (
            vec!["live-key-in-log critical", "live-key-with-sandbox-host high"],
            r#"{{"env":"x","key":"FLWSECK-{hex:32}-X","url":"https://ravesandboxapi.flutterwave.com/v3"}}"#,
        ),
        (vec!["live-key-in-log critical", "credential-mode-mismatch high"], "STRIPE_TEST_SECRET_KEY=sk_live_{base62:24} retry"),
    ] {
        let seen = of_log(&format!("{record}\n"));
        let wanted = kinds.iter().all(|kind| seen.iter().any(|told| told == kind));
        assert!(wanted, "{record}: {seen:?}");
    }
    // In two records they say nothing of each other.
    let apart = of_log("k=FLWSECK-{hex:32}-X\nGET https://ravesandboxapi.flutterwave.com/v3\n");
    assert!(!apart.iter().any(|told| told.starts_with("live-key-with")), "{apart:?}");
}

#[test]
fn relations_of_files_are_none_of_streams() {
    // The same webhook secret, the same key and both modes of one provider, in many records.
    let log = expand(
        "env=production webhook_secret=whsec_{base62:32}\nenv=production k=sk_live_{base62:24} t=sk_test_{base62:24}\n\
         env=production payout_key=sk_live_{base62:24}\n",
        "d44",
    );
    let log = format!("{log}{}", log.replace("production", "staging"));
    let seen = told(&ran("lines", settings(), [log.as_bytes()]));
    for kind in ["shared-", "mixed-", "payout-key-reused"] {
        assert!(!seen.iter().any(|told| told.starts_with(kind)), "{seen:?}");
    }
}

#[test]
fn a_start_up_banner_holds_until_the_next() {
    let banner = |word: &str| format!("2026-03-12T09:11:07Z INFO Spring profiles active: {word}\n");
    let call = "2026-03-12T09:11:08Z INFO GET https://api.sandbox.payca.io/v1/users\n";
    let quiet = "2026-03-12T09:11:08Z INFO ok\n".repeat(300);
    for (banners, count) in [(vec!["prod"], 1), (vec!["staging"], 0), (vec!["prod", "staging"], 0), (vec!["staging", "prod"], 1)]
    {
        let log = format!("{}{quiet}{call}", banners.iter().map(|word| banner(word)).collect::<Vec<_>>().concat());
        let whole = ran("lines", settings(), [log.as_bytes()]);
        assert_eq!(told(&whole).len(), count, "{banners:?}: {:?}", whole.alerts);
        for size in [1, 700, 5000] {
            let pieces: Vec<&[u8]> = log.as_bytes().chunks(size).collect();
            assert_eq!(ran("lines", settings(), pieces), whole, "{banners:?} {size}");
        }
    }
    // Each stream of a container has its own.
    let cri = |stream: &str, text: &str| format!("2026-03-12T09:11:07.491060044Z {stream} F {text}\n");
    let log = [cri("stdout", "Spring profiles active: prod"), cri("stderr", "Spring profiles active: staging")].concat();
    let call = "GET https://api.sandbox.payca.io/v1/users";
    let one = ran("cri", settings(), [format!("{log}{}", cri("stdout", call)).as_bytes()]);
    let other = ran("cri", settings(), [format!("{log}{}", cri("stderr", call)).as_bytes()]);
    assert_eq!((told(&one).len(), told(&other).len()), (1, 0));
}

#[test]
fn what_wraps_a_record_says_where_it_comes_from() {
    let key = expand("sk_test_{base62:24}", "host");
    let host = format!("<14>Mar 12 09:11:07 pay-prod-2 pay[1956]: k={key}\n");
    assert_eq!(told(&ran("syslog", settings(), [host.as_bytes()])), ["sandbox-key-in-production-log medium"]);
    let field = format!("{{\"log\":\"{{\\\"env\\\":\\\"prod\\\",\\\"k\\\":\\\"{key}\\\"}}\\n\",\"stream\":\"stdout\"}}\n");
    assert_eq!(told(&ran("docker-json", settings(), [field.as_bytes()])), ["sandbox-key-in-production-log high"]);
}

#[test]
fn the_same_fact_again_is_counted() {
    let seen = of(&format!("{EVENT}\n").repeat(2500)).1;
    let counts: Vec<u64> = seen.alerts.iter().map(|alert| alert["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 10, 100, 1000, 2500]);
    // Different ones meet the rate limit, as keys do; its line counts them by kind.
    let many: String =
        (0..400).map(|n| format!("env=production url=https://h{n}.sandbox.payca.io/\n")).collect::<Vec<_>>().concat();
    let seen = ran("lines", settings(), [many.as_bytes()]);
    assert_eq!(seen.told(), 400);
    assert!(
        seen.alerts.iter().any(|line| line["counts"]["sandbox-endpoint-in-production-log"].is_u64()),
        "{:?}",
        seen.alerts.last()
    );
}

#[test]
fn facts_do_not_depend_on_the_pieces() {
    let forms = [
        EVENT,
        "env=prod card=4242424242424242",
        "INFO ok",
        "env=prod k=sk_test_{base62:24} GET https://api.sandbox.payca.io/v1",
        "x-client-secret: {uuid4}",
    ];
    let templates: Vec<String> = (0..400).map(|n| format!("{} n={n}\n", forms[n * 7 % 11 % forms.len()])).collect();
    let log: String = templates.iter().enumerate().map(|(n, text)| expand(text, &format!("p{}", n % 13))).collect();
    let whole = ran("lines", settings(), [log.as_bytes()]);
    assert!(whole.alerts.len() > 30, "{}", whole.alerts.len());
    for size in [1, 97, 1000, 4097, 20_000] {
        let cut = ran("lines", settings(), log.as_bytes().chunks(size));
        assert_eq!((cut.text(), cut.told()), (whole.text(), whole.told()), "{size}");
        let kinds = |ran: &Ran| -> Vec<String> { told(ran).into_iter().take(20).collect() };
        assert_eq!(kinds(&cut), kinds(&whole), "{size}");
    }
}

#[test]
fn the_environment_of_the_run_is_for_records_that_do_not_say() {
    let log = "GET https://api.sandbox.payca.io/v1/users\nenv=staging GET https://api.sandbox.payca.io/v2/cards\n";
    let run = stream(&["stream", "--env", "production"], log);
    let lines: Vec<u64> = run.alerts().iter().map(|alert| alert["line"].as_u64().unwrap()).collect();
    assert_eq!((run.code(), lines), (Some(0), vec![1]), "{}", run.stderr);
}

/// The same findings by every road: kind, line and environment.
#[test]
fn archived_logs_say_what_the_stream_said() {
    let tree = Tree::new();
    let log: String = [
        EVENT,
        "env=production k=sk_test_{base62:24}",
        "k=sk_live_{base62:24}",
        "GET https://api.sandbox.payca.io/v1/users",
        "env=staging card=4242424242424242",
        "env=production card=4242424242424242",
        "env=staging k=sk_live_{base62:24}",
        "nothing at all",
    ]
    .iter()
    .map(|record| expand(&format!("{record}\n"), record))
    .collect();
    let folder = tree.path().join("logs");
    fs::create_dir(&folder).unwrap();
    let rows = |text: &str, kind: &str| -> Vec<(String, u64)> {
        let values = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let rows = values.filter(|value| value["type"] == kind && value["count"].as_u64().unwrap_or(1) == 1);
        let mut rows: Vec<_> =
            rows.map(|value| (value["kind"].as_str().unwrap().to_owned(), value["line"].as_u64().unwrap())).collect();
        rows.sort();
        rows
    };
    let live = stream_in(&tree, &["stream", "--env", "production"], log.clone());
    let wanted = rows(&live.stderr, "alert");
    assert_eq!(wanted.len(), 6, "{wanted:?}");
    for (name, bytes) in [("app.log", log.clone().into_bytes()), ("app.log.gz", gzip(log.as_bytes()))] {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        let run = tree.keyfence(&["scan", "--env", "production", "-f", "jsonl", "logs"]);
        let text = String::from_utf8(run.stdout).unwrap();
        assert_eq!(rows(&text, "finding"), wanted, "{name}: {text}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn case_79_archives_of_many_members_and_half_an_archive() {
    let tree = Tree::new();
    let record = |seed: &str| expand("2026-03-12T09:11:07Z INFO k=sk_live_{base62:24}\n", seed);
    let quiet = "2026-03-12T09:11:07Z INFO n=4711 nothing at all\n".repeat(40);
    let members =
        |pack: fn(&[u8]) -> Vec<u8>| [pack(quiet.as_bytes()), pack(format!("{quiet}{}", record("79")).as_bytes())].concat();
    let frames = |bytes: &[u8]| ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest);
    let mut cut = gzip(format!("{}{}", record("79"), quiet.repeat(4000)).as_bytes());
    cut.truncate(cut.len() / 2);
    for (name, bytes, line, whole) in
        [("a.log.gz", members(gzip), 81, true), ("a.log.zst", members(frames), 81, true), ("half.log.gz", cut, 1, false)]
    {
        let path = tree.path().join(name);
        fs::write(&path, bytes).unwrap();
        let run = tree.keyfence(&["scan", "--env", "production", "-f", "jsonl", name]);
        let text = String::from_utf8(run.stdout).unwrap();
        let values: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found: Vec<_> = values.iter().filter(|value| value["type"] == "finding").map(|value| &value["line"]).collect();
        assert_eq!((run.status.code(), found), (Some(1), vec![&serde_json::json!(line)]), "{name}: {text}");
        // What was found before the cut counts, and the cut is told.
        let skipped = values.iter().any(|value| value["type"] == "skipped");
        let complete = values.last().map(|summary| summary["complete"] == true);
        assert_eq!((skipped, complete), (!whole, Some(whole)), "{name}: {text}");
        fs::remove_file(path).unwrap();
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
