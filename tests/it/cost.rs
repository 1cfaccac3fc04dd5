//! What work costs, in instructions and allocations: the same on every machine and under any load, where seconds
//! are not. Counted by valgrind; where that is not installed, there is nothing to count with.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

#[path = "../../benches/corpus.rs"]
#[expect(dead_code, reason = "the benches use the rest")]
mod corpus;

/// Twice what a debug build takes, half of it for a look whether the compact form of the rules is up to date. Where
/// it is not, the start reads rule files and costs more.
const START: u64 = 200_000_000;
/// Instructions for a byte of an ordinary log, in a debug build, for a processor without AVX-512: half as much
/// again as they are.
const BYTE: u64 = 450;
/// Allocations for a thousand bytes of it.
const THOUSAND: u64 = 65;

/// Runs the program under a tool of valgrind, in a folder; the number behind a word of what the tool says.
fn counted(tool: &str, word: &str, folder: &Path, args: &[&str]) -> u64 {
    let mut run = Command::new("valgrind");
    run.args([tool, "--callgrind-out-file=out"].iter().filter(|arg| tool.contains("callgrind") || !arg.contains("callgrind")));
    let output = run.arg(env!("CARGO_BIN_EXE_keyfence")).args(args).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let number = said.lines().find_map(|line| line.split_once(word)).map(|(_, rest)| rest.trim().split(' ').next().unwrap());
    let number = number.unwrap_or_else(|| panic!("{said}")).replace(',', "");
    number.parse().unwrap()
}

fn instructions(folder: &Path, args: &[&str]) -> u64 {
    counted("--tool=callgrind", "Collected :", folder, args)
}

fn allocations(folder: &Path, args: &[&str]) -> u64 {
    counted("--tool=memcheck", "total heap usage:", folder, args)
}

fn is_missing() -> bool {
    Command::new("valgrind").arg("--version").output().is_err()
}

/// A folder with a short log and one that is longer by some bytes.
fn logs(bytes: usize) -> (tempfile::TempDir, u64) {
    let folder = tempfile::tempdir().unwrap();
    let text = corpus::log(3 * bytes, corpus::Density::Rare, 1).bytes;
    let short = &text[..=text[..bytes].iter().rposition(|&byte| byte == b'\n').unwrap()];
    fs::write(folder.path().join("short.log"), short).unwrap();
    fs::write(folder.path().join("long.log"), &text).unwrap();
    (folder, u64::try_from(text.len() - short.len()).unwrap())
}

#[test]
fn a_start_reads_no_rule_files() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.txt"), "x=1\n").unwrap();
    let cost = instructions(folder.path(), &["scan", "small.txt"]);
    assert!(cost <= START, "{cost} instructions for a file of four bytes: are the rules in builtin.postcard old?");
}

#[test]
fn a_byte_of_a_log_costs_few_instructions_and_hardly_an_allocation() {
    if is_missing() {
        return;
    }
    let (folder, bytes) = logs(256 << 10);
    let more = |count: fn(&Path, &[&str]) -> u64| {
        let of = |file| count(folder.path(), &["scan", "-j", "1", "-q", file]);
        of("long.log") - of("short.log")
    };
    let (instructions, allocations) = (more(instructions), more(allocations));
    println!(
        "{} instructions for ten bytes, {} allocations for a thousand",
        instructions * 10 / bytes,
        allocations * 1000 / bytes
    );
    assert!(instructions <= BYTE * bytes, "{instructions} instructions for {bytes} bytes");
    assert!(allocations * 1000 <= THOUSAND * bytes, "{allocations} allocations for {bytes} bytes");
}

/// They have a pass of their own, whose vectors are slow in a debug build: there it adds a third, where a release
/// adds an eighth.
#[test]
fn fifty_rules_of_a_user_slow_the_scan_little() {
    if is_missing() {
        return;
    }
    let (folder, _) = logs(256 << 10);
    let mut rules = String::from("[provider]\nid = \"acme\"\nname = \"Acme\"\nmarkers = [\"acme\"]\n");
    for number in 0..50 {
        let (one, two) = (char::from(b'a' + number / 10), number % 10);
        writeln!(
            rules,
            "\n[[rule]]\nid = \"acme-key-{number}\"\ntitle = \"Acme key {number}\"\nclass = \"standard-api-key\"\n\
             environment = \"unknown\"\nformat = 'ac{one}{two}_[0-9a-f]{{32}}'\nremediation = \"Roll it.\"\n\
             examples = [ {{ text = \"ac{one}{two}_{{hex:32}}\" }}, {{ text = \"k = 'ac{one}{two}_{{hex:32}}'\" }} ]\n\
             counter_examples = [ {{ text = \"ac{one}{two}_{{hex:31}}\", because = \"short\" }}, {{ text = \"ac{one}{two}\", because = \"no body\" }} ]"
        )
        .unwrap();
    }
    fs::write(folder.path().join("rules.toml"), rules).unwrap();
    let of = |args: &[&str]| {
        let cost = |file| instructions(folder.path(), &[&["scan", "-j", "1", "-q"], args, &[file]].concat());
        cost("long.log") - cost("short.log")
    };
    let (without, with) = (of(&[]), of(&["--rules", "rules.toml"]));
    println!("{with} instructions with fifty rules more, {without} without");
    assert!(with * 5 <= without * 7, "{with} instructions with fifty rules more, {without} without");
}
