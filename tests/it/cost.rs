//! What a start costs, in instructions: the same on every machine and under any load, where seconds are not.
//! Counted by callgrind; where that is not installed, there is nothing to count with.

use std::fs;
use std::process::Command;

/// Twice what a debug build takes, half of it for a look whether the compact form of the rules is up to date. Where
/// it is not, the start reads rule files and costs more.
const BUDGET: u64 = 250_000_000;

#[test]
fn a_start_reads_no_rule_files() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.txt");
    fs::write(&file, "x=1\n").unwrap();
    let mut run = Command::new("valgrind");
    run.args(["--tool=callgrind", "--callgrind-out-file=out"]).arg(env!("CARGO_BIN_EXE_keyfence"));
    let output = run.arg("scan").arg(&file).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(folder.path().join("out")).unwrap();
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
    let instructions: u64 = totals.trim().parse().unwrap();
    assert!(
        instructions <= BUDGET,
        "{instructions} instructions for a file of four bytes: are the rules in builtin.postcard old?"
    );
}
