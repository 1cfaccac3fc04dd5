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

use super::{command, keeps, key, program, stream_in};
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
        "global(workDirectory=\"{work}\" maxMessageSize=\"64k\" processInternalMessages=\"on\")\n\
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
fn case_47_rsyslog_cuts_a_key() {
    let tree = Tree::new();
    let program = format!("{} stream --protocol rsyslog-mm --alerts {}/a.jsonl", program(), tree.path().display());
    let (daemon, port) = rsyslog(&tree, &fail_closed(&tree, &program));
    let key = key("47");
    let head = "<14>Mar 12 09:11:07 h pay: ";
    let places = [4, 9, 12, 20, 31];
    // So many bytes of the key stand before the limit.
    let filler = "lorem48 ".repeat(9000);
    let long = |before: usize| format!("{head}{} k={key} end", &filler[..65_536 - head.len() - " k=".len() - before]);
    send(port, places.into_iter().map(long));
    send(port, ["<14>Mar 12 09:11:07 h pay: the last".to_owned()].into_iter());
    let clean = tree.path().join("clean.log");
    eventually("written", || fs::read_to_string(&clean).is_ok_and(|text| text.contains("the last")));
    sleep(Duration::from_millis(500));
    drop(daemon);
    let text = fs::read_to_string(&clean).unwrap();
    for run in key.as_bytes().windows(12) {
        let run = std::str::from_utf8(run).unwrap();
        assert!(!text.contains(run), "twelve bytes of a key are shown");
    }
    // rsyslog's own words about it came through the same rule set.
    assert!(text.contains("message will be split starting at: \"[REDACTED"), "{} bytes", text.len());
    assert!(lines(&clean) > places.len());
    assert!(!tree.path().join("quarantine.log").exists());
}

#[test]
#[ignore = "wants rsyslogd on the PATH, and RSYSLOG_MODULES if its modules are elsewhere"]
fn case_48_49_and_51_rsyslog_message_modification() {
    let tree = Tree::new();
    let keys = super::key_file(&tree, "fp.key");
    let program = format!("{} stream --protocol rsyslog-mm --fp-key-file {keys}", program());
    let (daemon, port) = rsyslog(&tree, &fail_closed(&tree, &program));
    let (body, data, process, broken) = (key("47a"), key("47b"), key("47c"), key("47d"));
    let modern = format!("<165>1 2026-03-12T09:11:07Z h app {process} ID1 [x k=\"{data}\"] k={body}");
    send(port, [modern, "<14>Mar 12 09:11:07 h pay: ordinary".to_owned()].into_iter());
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let invalid = [b"<14>Mar 12 09:11:07 h pay: \xff\xfe\xc3( k=", broken.as_bytes(), b" \xff end\n"].concat();
    stream.write_all(&invalid).unwrap();
    let clean = tree.path().join("clean.log");
    eventually("written", || fs::read(&clean).is_ok_and(|text| memchr::memmem::find(&text, b" end|").is_some()));
    // What rsyslog starts has nothing in its environment.
    let child = children(daemon.0.id()).pop().expect("a filter");
    assert_eq!(fs::read(format!("/proc/{child}/environ")).unwrap_or_default(), b"");
    drop(daemon);
    let text = String::from_utf8_lossy(&fs::read(&clean).unwrap()).into_owned();
    let said = fs::read_to_string(tree.path().join("daemon.log")).unwrap();
    for secret in [&body, &data, &process, &broken] {
        keeps(&text, secret);
        keeps(&said, secret);
    }
    let first = text.lines().find(|line| line.contains("ID1")).unwrap();
    assert_eq!(first.matches("[REDACTED:").count(), 3 + 1 + 1 + 1, "raw, body, data, tag: {first}");
    assert!(!tree.path().join("quarantine.log").exists());
}

#[test]
#[ignore = "wants rsyslogd on the PATH, and RSYSLOG_MODULES if its modules are elsewhere"]
fn case_50_rsyslog_and_a_filter_that_is_killed() {
    let tree = Tree::new();
    let program = format!("{} stream --protocol rsyslog-mm", program());
    let (daemon, port) = rsyslog(&tree, &fail_closed(&tree, &program));
    let count = 20_000;
    let key = key("50");
    let secret = key.clone();
    let sender = std::thread::spawn(move || {
        for block in 0..100 {
            let message = |n: usize| format!("<14>Mar 12 09:11:07 h pay: n={} k={secret}", block * count / 100 + n);
            send(port, (0..count / 100).map(message));
            sleep(Duration::from_millis(60));
        }
    });
    let mut killed = 0;
    while !sender.is_finished() {
        sleep(Duration::from_millis(200));
        killed += kill_children(daemon.0.id());
    }
    sender.join().unwrap();
    assert!(killed >= 10, "{killed} were killed");
    let (clean, quarantine) = (tree.path().join("clean.log"), tree.path().join("quarantine.log"));
    let numbers = |path: &Path| numbers(&fs::read_to_string(path).unwrap_or_default());
    eventually("all written", || numbers(&clean).len() + numbers(&quarantine).len() >= count);
    drop(daemon);
    keeps(&fs::read_to_string(&clean).unwrap(), &key);
    let (clean, unscanned) = (numbers(&clean), numbers(&quarantine));
    super::full::say(&format!("{killed} killed, {} clean, {} in the quarantine", clean.len(), unscanned.len()));
    let mut all = [clean, unscanned].concat();
    all.sort_unstable();
    assert_eq!(all, (0..count).collect::<Vec<_>>(), "none lost, none twice");
}

/// The numbers of the messages in a log.
fn numbers(text: &str) -> Vec<usize> {
    let number = |line: &str| line.split("n=").nth(1)?.split(' ').next()?.parse().ok();
    text.lines().filter_map(number).collect()
}

/// The children of a process, found by their parent.
fn children(parent: u32) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        if rest.split(' ').nth(1).and_then(|text| text.parse().ok()) == Some(parent) {
            found.push(entry.file_name().to_str().unwrap().parse().unwrap());
        }
    }
    found
}

/// Kills the children of a process; says how many.
fn kill_children(parent: u32) -> usize {
    let children = children(parent);
    for &pid in &children {
        // It may have ended by itself.
        let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL);
    }
    children.len()
}

/// The recipe of docs/streams.md for the other protocol.
fn output_program(tree: &Tree, out: &Path) -> String {
    let (work, out) = (tree.path().display(), out.display());
    format!(
        "module(load=\"omprog\")\ntemplate(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
         action(type=\"omprog\" binary=\"{} stream --redact --protocol rsyslog-omprog -o {out} --alerts {work}/a.jsonl\"\n\
         template=\"raw\" confirmMessages=\"on\" confirmTimeout=\"10000\" reportFailures=\"on\" signalOnClose=\"on\"\n\
         closeTimeout=\"5000\" killUnresponsive=\"on\" action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\"\n\
         queue.type=\"LinkedList\" queue.size=\"100000\" queue.timeoutEnqueue=\"60000\" queue.timeoutShutdown=\"20000\" output=\"{work}/stderr.log\")\n",
        program()
    )
}

#[test]
#[ignore = "wants rsyslogd on the PATH, and RSYSLOG_MODULES if its modules are elsewhere"]
fn case_52_rsyslog_output_program_that_is_killed() {
    let tree = Tree::new();
    let out = tree.path().join("out.log");
    let (daemon, port) = rsyslog(&tree, &output_program(&tree, &out));
    let (count, blocks) = (10_000, 20);
    let key = key("52");
    let mut killed = 0;
    for block in 0..blocks {
        let from = block * count / blocks;
        send(port, (from..from + count / blocks).map(|n| format!("<14>Mar 12 09:11:07 h pay: n={n} k={key}")));
        // rsyslog waits a second or two before it starts the program again.
        let until = Instant::now() + Duration::from_secs(5);
        let before = killed;
        while killed == before && Instant::now() < until {
            sleep(Duration::from_millis(20));
            if fs::read_to_string(&out).is_ok_and(|text| numbers(&text).len() > from) {
                killed += kill_children(daemon.0.id());
            }
        }
    }
    assert!(killed >= 20, "{killed} were killed");
    eventually("all written", || fs::read_to_string(&out).is_ok_and(|text| text.contains(&format!("n={} ", count - 1))));
    drop(daemon);
    let text = fs::read_to_string(&out).unwrap();
    keeps(&text, &key);
    let mut all = numbers(&text);
    let twice = all.len() - count.min(all.len());
    super::full::say(&format!("{killed} killed, {twice} came twice"));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all, (0..count).collect::<Vec<_>>(), "none lost");
    assert!(twice <= killed, "only the message in flight may come twice: {twice}");
}

#[test]
#[ignore = "wants rsyslogd on the PATH, RSYSLOG_MODULES if its modules are elsewhere, and to mount a small file system"]
fn case_53_rsyslog_and_a_disk_that_is_full_for_five_seconds() {
    let tree = Tree::new();
    let small = tree.path().join("small");
    fs::create_dir(&small).unwrap();
    let mounted = tree.command("mount").args(["-t", "tmpfs", "-o", "size=128k", "none", "small"]).status().unwrap();
    assert!(mounted.success());
    fs::write(small.join("ballast"), vec![b'x'; 96 * 1024]).unwrap();
    let out = small.join("out.log");
    let (daemon, port) = rsyslog(&tree, &output_program(&tree, &out));
    let (count, key) = (1200, key("53"));
    send(port, (0..count).map(|n| format!("<14>Mar 12 09:11:07 h pay: n={n} k={key}")));
    let full = || fs::metadata(&out).map_or(0, |metadata| metadata.len());
    eventually("the disk is full", || full() > 24 * 1024);
    sleep(Duration::from_secs(5));
    assert!(numbers(&fs::read_to_string(&out).unwrap()).len() < count, "it did not all fit");
    fs::remove_file(small.join("ballast")).unwrap();
    eventually("all written", || fs::read_to_string(&out).is_ok_and(|text| numbers(&text).len() >= count));
    drop(daemon);
    let text = fs::read_to_string(&out).unwrap();
    let said = fs::read_to_string(tree.path().join("daemon.log")).unwrap();
    // What the daemon has started may not have ended yet.
    eventually("unmounted", || tree.command("umount").arg("small").status().unwrap().success());
    keeps(&text, &key);
    assert_eq!(numbers(&text), (0..count).collect::<Vec<_>>(), "all, in order, none twice");
    // rsyslog's own words come through the same rule set.
    assert!(format!("{said}{text}").contains("not written: "), "rsyslog was told: {said}{text}");
}

#[test]
#[ignore = "wants rsyslogd on the PATH, and RSYSLOG_MODULES if its modules are elsewhere"]
fn case_54_rsyslog_ends_with_ten_thousand_in_its_queue() {
    let tree = Tree::new();
    let out = tree.path().join("out.log");
    let (mut daemon, port) = rsyslog(&tree, &output_program(&tree, &out));
    let (count, key) = (10_000, key("54"));
    send(port, (0..count).map(|n| format!("<14>Mar 12 09:11:07 h pay: n={n} k={key}")));
    eventually("begun", || lines(&out) > 0);
    let pid = rustix::process::Pid::from_raw(i32::try_from(daemon.0.id()).unwrap()).unwrap();
    let before = lines(&out);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));
    let text = fs::read_to_string(&out).unwrap();
    keeps(&text, &key);
    super::full::say(&format!("{before} of {count} were written when it was asked to end"));
    assert_eq!(numbers(&text), (0..count).collect::<Vec<_>>(), "none lost, in order");
}

#[test]
#[ignore = "wants syslog-ng on the PATH, and SYSLOG_NG_MODULES if its modules are elsewhere"]
fn case_55_syslog_ng_and_a_long_lived_program() {
    let tree = Tree::new();
    let (port, work) = (free_port(), tree.path().display().to_string());
    let program = program();
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
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..10 {
        seen.extend(children(daemon.0.id()));
        send(port, (0..50).map(|n| format!("<14>Mar 12 09:11:07 h pay: n={} k={key}", round * 50 + n)));
        sleep(Duration::from_millis(200));
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
        sleep(Duration::from_millis(200));
    }
    let out = tree.path().join("out.log");
    eventually("all written", || lines(&out) >= 500);
    seen.extend(children(daemon.0.id()));
    drop(daemon);
    assert_eq!(seen.len(), 1, "one child for all the time");
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
