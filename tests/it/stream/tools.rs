//! What rsyslog and syslog-ng say to a filter, and what logrotate and Prometheus do beside it: first as they
//! would do it, then, where they are installed, by themselves. The latter are ignored unless asked for:
//! `cargo test --test it tools -- --ignored`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{command, keeps, key, stream_in};
use crate::plant::Tree;

/// A request as rsyslog makes it.
fn request(text: &str) -> String {
    let raw = format!("<14>Mar 12 09:11:07 node2 pay[1956]: {text}");
    let object = serde_json::json!({
        "msg": format!(" {text}"), "rawmsg": raw, "hostname": "node2", "syslogtag": "pay[1956]:", "procid": "1956",
        "structured-data": "-", "uuid": null, "$!": null,
    });
    format!("{object}\n")
}

#[test]
fn case_50_every_answer_is_one_line_with_its_mark() {
    let tree = Tree::new();
    let mut child = command(&tree, &["stream", "--protocol", "rsyslog-mm"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for number in 0..50 {
        let key = key(&format!("50-{number}"));
        let text = if number % 3 == 0 { format!("k={key}") } else { "ordinary".to_owned() };
        stdin.write_all(request(&text).as_bytes()).unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["$!"]["keyfence"]["ok"], 1);
        assert_eq!(answer.get("rawmsg").is_some(), number % 3 == 0);
        keeps(&answer.to_string(), &key);
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn case_51_nothing_in_the_environment_and_nothing_on_standard_error() {
    let tree = Tree::new();
    let keys = super::key_file(&tree, "fp.key");
    let mut child = command(&tree, &["stream", "--protocol", "rsyslog-mm", "--fp-key-file", &keys]).env_clear().spawn().unwrap();
    child.stdin.take().unwrap().write_all(request(&format!("k={}", key("51"))).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("\"ok\":1,\"redacted\":1"));
}

#[test]
fn case_52_every_message_is_confirmed_once_it_is_written() {
    let tree = Tree::new();
    let key = key("52");
    let args = ["stream", "--redact", "--protocol", "rsyslog-omprog", "-o", "out.log", "--alerts", "none"];
    let run = stream_in(&tree, &args, format!("one\ntwo {key}\nthree\n"));
    assert_eq!((run.code(), run.out().as_str()), (Some(0), "OK\nOK\nOK\nOK\n"));
    let written = fs::read_to_string(tree.path().join("out.log")).unwrap();
    assert_eq!(written, "one\ntwo [REDACTED:standard-api-key]\nthree\n");
    // Sent again after a restart: behind what is there.
    stream_in(&tree, &args, "four\n");
    assert!(fs::read_to_string(tree.path().join("out.log")).unwrap().ends_with("three\nfour\n"));
}

#[test]
fn case_53_what_cannot_be_written_is_refused() {
    let tree = Tree::new();
    let run = stream_in(&tree, &["stream", "--redact", "--protocol", "rsyslog-omprog", "-o", "/dev/full"], "one\none\n");
    let answers: Vec<String> = run.out().lines().map(str::to_owned).collect();
    assert_eq!(answers[0], "OK");
    assert!(answers[1..].iter().all(|answer| answer.starts_with("not written: ")), "{answers:?}");
}

/// A daemon, ended with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !test() {
        assert!(Instant::now() < until, "never: {what}");
        sleep(Duration::from_millis(50));
    }
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts rsyslog with an action, waits until it listens, and gives the port.
fn rsyslog(tree: &Tree, action: &str) -> (Daemon, u16) {
    let port = free_port();
    let modules = std::env::var("RSYSLOG_MODULES").unwrap_or_default();
    let work = tree.path().display();
    let config = format!(
        "global(workDirectory=\"{work}\" maxMessageSize=\"64k\")\n\
         module(load=\"imptcp\")\ninput(type=\"imptcp\" address=\"127.0.0.1\" port=\"{port}\")\n{action}\n"
    );
    fs::write(tree.path().join("rsyslog.conf"), config).unwrap();
    let mut daemon = Command::new("rsyslogd");
    daemon.args(["-n", "-iNONE", "-f"]).arg(tree.path().join("rsyslog.conf"));
    if !modules.is_empty() {
        daemon.arg("-M").arg(modules);
    }
    let log = fs::File::create(tree.path().join("daemon.log")).unwrap();
    let child = daemon.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    let daemon = Daemon(child);
    eventually("rsyslog listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    (daemon, port)
}

fn send(port: u16, messages: impl Iterator<Item = String>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for message in messages {
        stream.write_all(message.as_bytes()).unwrap();
        stream.write_all(b"\n").unwrap();
    }
}

/// The recipe of docs/streams.md.
fn fail_closed(tree: &Tree, program: &str) -> String {
    let work = tree.path().display();
    format!(
        "module(load=\"mmexternal\")\n\
         template(name=\"all\" type=\"string\" string=\"%rawmsg%|%msg%|%structured-data%|%syslogtag%\\n\")\n\
         template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
         action(type=\"mmexternal\" binary=\"{program}\" interface.input=\"fulljson\" forceSingleInstance=\"on\")\n\
         if $!keyfence!ok == 1 then {{\n  action(type=\"omfile\" file=\"{work}/clean.log\" template=\"all\" asyncWriting=\"off\")\n}} else {{\n\
         action(type=\"omfile\" file=\"{work}/quarantine.log\" template=\"raw\" fileCreateMode=\"0600\")\n}}\n"
    )
}

#[test]
#[ignore = "wants rsyslogd on the PATH, and RSYSLOG_MODULES if its modules are elsewhere"]
fn case_47_to_49_rsyslog_message_modification() {
    let tree = Tree::new();
    let program = format!("{} stream --protocol rsyslog-mm", env!("CARGO_BIN_EXE_keyfence"));
    let (daemon, port) = rsyslog(&tree, &fail_closed(&tree, &program));
    let (body, data, process, long) = (key("47a"), key("47b"), key("47c"), key("47d"));
    let modern = format!("<165>1 2026-03-12T09:11:07Z h app {process} ID1 [x k=\"{data}\"] k={body}");
    let long = format!("<14>Mar 12 09:11:07 h pay: {}{long} end", "lorem48 ".repeat(8185));
    send(port, [modern, "<14>Mar 12 09:11:07 h pay: ordinary".to_owned(), long].into_iter());
    let clean = tree.path().join("clean.log");
    eventually("written", || lines(&clean) >= 3);
    sleep(Duration::from_millis(500));
    drop(daemon);
    let text = fs::read_to_string(&clean).unwrap();
    let said = fs::read_to_string(tree.path().join("daemon.log")).unwrap();
    for secret in [&body, &data, &process] {
        keeps(&text, secret);
        keeps(&said, secret);
    }
    let first = text.lines().next().unwrap();
    assert_eq!(first.matches("[REDACTED:").count(), 3 + 1 + 1 + 1, "raw, body, data, tag: {first}");
    assert!(!tree.path().join("quarantine.log").exists());
}

#[test]
#[ignore = "wants rsyslogd on the PATH, and RSYSLOG_MODULES if its modules are elsewhere"]
fn case_50_rsyslog_and_a_filter_that_is_killed() {
    let tree = Tree::new();
    // A child that can be told from others by its name.
    let name = tree.path().join("kf-killed");
    fs::copy(env!("CARGO_BIN_EXE_keyfence"), &name).unwrap();
    let program = format!("{} stream --protocol rsyslog-mm", name.display());
    let (daemon, port) = rsyslog(&tree, &fail_closed(&tree, &program));
    let count = 5_000;
    let key = key("50");
    let secret = key.clone();
    let sender = std::thread::spawn(move || {
        for block in 0..10 {
            let message = |n: usize| format!("<14>Mar 12 09:11:07 h pay: n={} k={secret}", block * count / 10 + n);
            send(port, (0..count / 10).map(message));
            sleep(Duration::from_millis(150));
        }
    });
    for _ in 0..8 {
        sleep(Duration::from_millis(200));
        kill_children(daemon.0.id());
    }
    sender.join().unwrap();
    let (clean, quarantine) = (tree.path().join("clean.log"), tree.path().join("quarantine.log"));
    eventually("all written", || lines(&clean) + lines(&quarantine) >= count);
    drop(daemon);
    let clean = fs::read_to_string(clean).unwrap();
    keeps(&clean, &key);
    let all = format!("{clean}{}", fs::read_to_string(quarantine).unwrap_or_default());
    let mut numbers: Vec<usize> =
        all.lines().map(|line| line.split("n=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..count).collect::<Vec<_>>(), "none lost, none twice");
}

/// Kills the children of a process, found by their parent.
fn kill_children(parent: u32) {
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        if rest.split(' ').nth(1).and_then(|text| text.parse().ok()) == Some(parent) {
            let pid: i32 = entry.file_name().to_str().unwrap().parse().unwrap();
            // It may have ended by itself.
            let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL);
        }
    }
}

#[test]
#[ignore = "wants rsyslogd on the PATH, and RSYSLOG_MODULES if its modules are elsewhere"]
fn case_52_and_54_rsyslog_output_program() {
    let tree = Tree::new();
    let work = tree.path().display();
    let action = format!(
        "module(load=\"omprog\")\ntemplate(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
         action(type=\"omprog\" binary=\"{} stream --redact --protocol rsyslog-omprog -o {work}/out.log --alerts {work}/a.jsonl\"\n\
         template=\"raw\" confirmMessages=\"on\" confirmTimeout=\"10000\" reportFailures=\"on\" signalOnClose=\"on\"\n\
         closeTimeout=\"5000\" killUnresponsive=\"on\" action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\"\n\
         queue.type=\"LinkedList\" queue.size=\"100000\" queue.timeoutEnqueue=\"60000\" queue.timeoutShutdown=\"10000\" output=\"{work}/stderr.log\")\n",
        env!("CARGO_BIN_EXE_keyfence")
    );
    let (daemon, port) = rsyslog(&tree, &action);
    let count = 3_000;
    let key = key("52");
    send(port, (0..count).map(|n| format!("<14>Mar 12 09:11:07 h pay: n={n} k={key}")));
    for _ in 0..5 {
        sleep(Duration::from_millis(300));
        kill_children(daemon.0.id());
    }
    let out = tree.path().join("out.log");
    eventually("all written", || {
        let text = fs::read_to_string(&out).unwrap_or_default();
        text.contains(&format!("n={} ", count - 1))
    });
    drop(daemon);
    let text = fs::read_to_string(&out).unwrap();
    keeps(&text, &key);
    let mut numbers: Vec<usize> =
        text.lines().map(|line| line.split("n=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()).collect();
    let written = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    let lost: Vec<usize> = (0..count).filter(|number| numbers.binary_search(number).is_err()).collect();
    assert_eq!(lost, Vec::<usize>::new(), "none lost");
    assert!(written - count <= 5, "only the message in flight may come twice: {}", written - count);
}

#[test]
#[ignore = "wants syslog-ng on the PATH, and SYSLOG_NG_MODULES if its modules are elsewhere"]
fn case_55_syslog_ng_and_a_long_lived_program() {
    let tree = Tree::new();
    let (port, work) = (free_port(), tree.path().display().to_string());
    let program = env!("CARGO_BIN_EXE_keyfence");
    let config = format!(
        "@version: 3.38\nsource s {{ network(ip(\"127.0.0.1\") port({port})); }};\n\
         destination d {{ program(\"{program} stream --redact --alerts none -o {work}/out.log\" template(\"${{MSG}}\\n\") flush-lines(1) keep-alive(yes)); }};\n\
         log {{ source(s); destination(d); }};\n"
    );
    let file = tree.path().join("syslog-ng.conf");
    fs::write(&file, config).unwrap();
    let mut daemon = Command::new("syslog-ng");
    daemon.arg("-F").arg("-f").arg(&file).arg("-R").arg(format!("{work}/persist")).arg("-c").arg(format!("{work}/ctl"));
    daemon.arg("-p").arg(format!("{work}/pid"));
    if let Ok(modules) = std::env::var("SYSLOG_NG_MODULES") {
        daemon.arg("--module-path").arg(modules);
    }
    let log = fs::File::create(tree.path().join("daemon.log")).unwrap();
    let daemon = Daemon(daemon.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    eventually("syslog-ng listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let key = key("55");
    let pid = rustix::process::Pid::from_raw(i32::try_from(daemon.0.id()).unwrap()).unwrap();
    for round in 0..10 {
        send(port, (0..50).map(|n| format!("<14>Mar 12 09:11:07 h pay: n={} k={key}", round * 50 + n)));
        sleep(Duration::from_millis(200));
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
        sleep(Duration::from_millis(200));
    }
    let out = tree.path().join("out.log");
    eventually("all written", || lines(&out) >= 500);
    drop(daemon);
    let mut text = String::new();
    fs::File::open(&out).unwrap().read_to_string(&mut text).unwrap();
    keeps(&text, &key);
    assert_eq!((text.lines().count(), text.matches("[REDACTED:").count()), (500, 500));
}

#[test]
#[ignore = "wants logrotate on the PATH"]
fn case_65_and_77_logrotate_moves_alerts_and_log() {
    let tree = Tree::new();
    let work = tree.path().display();
    let keys: Vec<String> = ["65a", "65b", "65c"].map(key).to_vec();
    let mut child = command(&tree, &["stream", "--redact", "--alerts", "a.jsonl", "-o", "out.log"]).spawn().unwrap();
    let config = format!(
        "{work}/a.jsonl {work}/out.log {{\n  size 1\n  rotate 3\n  sharedscripts\n  postrotate\n    kill -HUP {}\n  endscript\n}}\n",
        child.id()
    );
    fs::write(tree.path().join("rotate.conf"), config).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for (round, key) in keys.iter().enumerate() {
        stdin.write_all(format!("round {round} k={key}\n").as_bytes()).unwrap();
        eventually("alert and line", || lines(&tree.path().join("a.jsonl")) == 1 && lines(&tree.path().join("out.log")) == 1);
        if round < 2 {
            let state = format!("{work}/state{round}");
            let run = tree.command("logrotate").args(["-f", "-s", &state, "rotate.conf"]).output().unwrap();
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
            eventually("opened again", || tree.path().join("out.log").exists());
        }
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    for name in ["a.jsonl", "out.log"] {
        let parts = [".2", ".1", ""].map(|end| fs::read_to_string(tree.path().join(format!("{name}{end}"))).unwrap());
        assert_eq!(parts.concat().lines().count(), 3, "{name}: no record lost");
        for key in &keys {
            keeps(&parts.concat(), key);
        }
    }
}

#[test]
#[ignore = "wants promtool and prometheus-node-exporter on the PATH"]
fn case_76_prometheus_reads_the_metrics() {
    let tree = Tree::new();
    let text: String = (0..200)
        .map(|n| format!("env=prod k={} GET https://api.sandbox.payca.io/v1\n", key(&n.to_string())))
        .collect::<Vec<_>>()
        .concat();
    let run = stream_in(&tree, &["stream", "--redact", "--alerts", "none", "--metrics-file", "keyfence.prom"], text);
    assert_eq!(run.code(), Some(0));
    let file = tree.path().join("keyfence.prom");
    let mut check = tree.command("promtool");
    let check = check.args(["check", "metrics"]).stdin(fs::File::open(&file).unwrap()).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    let port = free_port();
    let mut exporter = Command::new("prometheus-node-exporter");
    exporter.args(["--collector.disable-defaults", "--collector.textfile"]);
    exporter.arg(format!("--collector.textfile.directory={}", tree.path().display()));
    exporter.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let _exporter = Daemon(exporter.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let mut page = String::new();
    eventually("scraped", || {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        page.clear();
        stream.read_to_string(&mut page).is_ok() && page.contains("node_textfile_scrape_error")
    });
    assert!(page.contains("keyfence_redactions_total 200") && page.contains("node_textfile_scrape_error 0"), "{page}");
    assert!(page.contains("keyfence_findings_total{class=\"sandbox-endpoint-in-production-log\""), "{page}");
}
