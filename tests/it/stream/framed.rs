//! Lines that containers and system loggers wrap and cut.

use super::{key, ran, settings};
use crate::plant::expand;

fn filler() -> String {
    "lorem48 ".repeat(2040)
}

#[test]
fn case_42_docker_a_key_across_two_records() {
    let key = key("42");
    for cut in [1, 4, 9, 20, 31] {
        let record = |text: &str| format!("{{\"log\":\"{text}\",\"stream\":\"stdout\",\"time\":\"2026-01-19T00:00:00Z\"}}\n");
        let first = record(&format!("{}key={}", filler(), &key[..cut]));
        let second = record(&format!("{} end\\n", &key[cut..]));
        let out = ran("docker-json", settings(), [format!("{first}{second}").as_bytes()]);
        assert_eq!(out.alerts.len(), 1, "{cut}");
        assert_eq!(out.alerts[0]["stream"], "stdout");
        let text = out.text();
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(record["log"].as_str().unwrap().contains("[REDACTED:standard-api-key"), "{cut}: {line}");
        }
        super::keeps(&text, &key);
    }
}

#[test]
fn case_43_cri_two_streams_interleaved() {
    let key = key("43");
    let record = |stream: &str, tag: &str, text: &str| format!("2026-03-12T09:11:07.491060044Z {stream} {tag} {text}\n");
    let log = [
        record("stderr", "P", &format!("{}secret={}", filler(), &key[..12])),
        record("stdout", "F", "an ordinary line"),
        record("stdout", "P", "half"),
        record("stderr", "F", &format!("{} tail", &key[12..])),
        record("stdout", "F", " and half"),
    ];
    let out = ran("cri", settings(), [log.concat().as_bytes()]);
    assert_eq!(out.alerts.len(), 1);
    assert_eq!((&out.alerts[0]["stream"], out.alerts[0]["line"].as_u64()), (&"stderr".into(), Some(1)));
    let lines: Vec<String> = out.text().lines().map(|line| format!("{line}\n")).collect();
    assert_eq!([&lines[1], &lines[2], &lines[4]], [&log[1], &log[2], &log[4]], "order and other streams stay");
    assert!(lines[0].contains("secret=[REDACTED:") && lines[3].contains(" F [REDACTED:"), "{}", out.text());
}

#[test]
fn case_44_a_line_that_never_ends() {
    let key = key("44");
    let settings = || super::Settings { max_line: 64 * 1024, ..settings() };
    let record = |text: &str| format!("2026-03-12T09:11:07.491060044Z stdout P {text}\n");
    let mut log = record(&filler()).repeat(20);
    log.push_str(&record(&format!("key={}", &key[..20])));
    log.push_str(&record(&format!("{} {}", &key[20..], filler())));
    log.push_str(&record(&filler()).repeat(20));
    let out = ran("cri", settings(), log.as_bytes().chunks(5000));
    assert_eq!((out.alerts.len(), out.redactions()), (1, 2));
    assert_eq!(out.text().lines().count(), log.lines().count());
    super::keeps(&out.text(), &key);
}

#[test]
fn case_46_syslog_cut_at_1024_bytes() {
    let key = key("46");
    let head = "<14>Mar 12 09:11:07 node2 pay[1956]: ";
    let body = format!("{}key=", "lorem48 ".repeat(130));
    let first = format!("{head}{}{}", &body[body.len() - (1024 - head.len() - 12)..], &key[..12]);
    assert_eq!(first.len(), 1024);
    let log = format!("{first}\n{head}{} end\n", &key[12..]);
    let out = ran("syslog", settings(), [log.as_bytes()]);
    assert_eq!((out.alerts.len(), out.redactions()), (1, 2), "{}", out.text());
    super::keeps(&out.text(), &key);
}

#[test]
fn a_private_key_in_wrapped_lines() {
    let bodies = ["a", "b"].map(|seed| expand("{base64:64}", seed));
    let lines = ["-----BEGIN PRIVATE KEY-----", &bodies[0], &bodies[1], "-----END PRIVATE KEY-----", "after"];
    let docker = lines.map(|line| format!("{{\"log\":\"{line}\\n\",\"stream\":\"stdout\"}}\n")).concat();
    let cri = lines.map(|line| format!("2026-03-12T09:11:07.491060044Z stdout F {line}\n")).concat();
    for (protocol, log) in [("docker-json", docker), ("cri", cri)] {
        let out = ran(protocol, settings(), [log.as_bytes()]);
        assert_eq!((out.alerts.len(), out.redactions()), (1, 2), "{protocol}: {}", out.text());
        assert!(!out.text().contains(&bodies[0][..20]) && !out.text().contains(&bodies[1][..20]));
        let cut = ran(protocol, settings(), log.as_bytes().chunks(7));
        assert_eq!(cut, out, "{protocol}");
    }
}

#[test]
fn records_of_another_kind_are_lines() {
    let key = key("other");
    for protocol in ["docker-json", "cri", "syslog"] {
        let out = ran(protocol, settings(), [format!("plain key={key}\nlast {key}").as_bytes()]);
        assert_eq!(out.redactions(), 2, "{protocol}: {}", out.text());
        assert!(!out.text().ends_with('\n'));
        assert_eq!(out.alerts.last().unwrap()["count"], 2);
    }
}
