#!/usr/bin/env python3
"""Measures keyfence on git repositories: the commit about to be made, and all of history.

    cargo build --release
    pip download --no-deps -d wheels Django==4.2.16 Django==5.0.9 Django==5.1.4 Django==5.2   # any packages
    benches/git.py staged
    benches/git.py history --wheels wheels            # builds a repository of thousands of commits from them
    benches/git.py history --repository PATH          # or measures one that is there

Every figure is the median of interleaved runs, with its floor measured in the same run. `staged` fails if a one-line
change among 50,000 files costs more than 10 ms over `git diff-index --cached HEAD`, start-up and all; `history` if
findings differ from those of `git log -p --all`, read line by line, or if more than 512 MiB are used.
"""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import string
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("KEYFENCE") or str(ROOT / "target/release/keyfence")
# In two parts: no key may stand in this repository, not even the shape of one.
PREFIX = "sk_" + "live_"
KEY = re.compile(rb"^\+.*?(" + PREFIX.encode() + rb"[0-9A-Za-z]{24})\b")
WHO = "A Tester <tester@acme.example>"


def git(repository, *args, **more):
    return subprocess.run(["git", "-C", str(repository), *args], check=True, capture_output=True, **more).stdout


class Import:
    """A repository written through `git fast-import`."""

    def __init__(self, path):
        subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
        for key, value in (("user.name", "A Tester"), ("user.email", "tester@acme.example"), ("gc.auto", "0")):
            git(path, "config", key, value)
        self.path, self.commits = path, 0
        command = ["git", "-C", str(path), "fast-import", "--quiet"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE)

    def commit(self, changes):
        """`changes`: paths and contents; None removes."""
        out, self.commits = self.process.stdin, self.commits + 1
        head = f"commit refs/heads/main\ncommitter {WHO} {1_500_000_000 + 3600 * self.commits} +0000\ndata 1\nx\n"
        out.write(head.encode())
        for path, content in changes:
            name = json.dumps(path, ensure_ascii=False).encode()
            if content is None:
                out.write(b"D %s\n" % name)
            else:
                out.write(b"M 100644 inline %s\ndata %d\n%s\n" % (name, len(content), content))
        out.write(b"\n")

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0
        git(self.path, "repack", "-q", "-a", "-d", "-f", "--depth=50", "--window=10")


def key(chosen):
    return PREFIX + "".join(chosen.choice(string.ascii_letters + string.digits) for _ in range(24))


def timed(command, cwd):
    """Wall seconds, user and system seconds, and peak memory in KiB of a command whose output nobody reads."""
    with open(os.devnull, "wb") as null:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=null, stderr=null)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def measured(commands, rounds):
    """Interleaved, so that a busy moment of the machine hits all of them."""
    runs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, (command, cwd) in commands.items():
            runs[name].append(timed(command, cwd))
    median = lambda rows, at: statistics.median(row[at] for row in rows)
    return {name: (median(rows, 0), median(rows, 1), max(row[2] for row in rows)) for name, rows in runs.items()}


def shown(results):
    for name, (wall, cpu, memory) in results.items():
        print(f"  {name:<42} {wall * 1000:9.1f} ms  {cpu * 1000:9.1f} CPU-ms  {memory / 1024:7.1f} MiB")


def staged(args, folder):
    chosen = random.Random(7)
    large, small = folder / "large", folder / "small"
    for path, files in ((large, args.files), (small, 1)):
        made = Import(path)
        words = ["".join(chosen.choices(string.ascii_lowercase, k=8)) for _ in range(400)]
        text = lambda: "".join(f"{' '.join(chosen.choices(words, k=7))}\n" for _ in range(chosen.randint(5, 60))).encode()
        made.commit((f"src/{at // 500:03}/{at % 500:03}.py", text()) for at in range(files))
        made.close()
        git(path, "reset", "-q", "--hard")
        with open(path / "src/000/000.py", "a") as file:
            file.write("one = 1\n")
        git(path, "add", "-A")
    results = measured(
        {
            "git diff-index --cached HEAD, large": (["git", "diff-index", "--cached", "HEAD"], large),
            "keyfence staged, large": ([PROGRAM, "staged", "-q"], large),
            "git diff-index --cached HEAD, one file": (["git", "diff-index", "--cached", "HEAD"], small),
            "keyfence staged, one file": ([PROGRAM, "staged", "-q"], small),
            "keyfence --version": ([PROGRAM, "--version"], small),
        },
        args.rounds,
    )
    print(f"staged: one line changed among {args.files} files, medians of {args.rounds}")
    shown(results)
    wall = {name: value[0] for name, value in results.items()}
    start = wall["keyfence staged, one file"] - wall["git diff-index --cached HEAD, one file"]
    over = wall["keyfence staged, large"] - wall["git diff-index --cached HEAD, large"]
    print(f"  over git: {over * 1000:.1f} ms (at most 10); in a repository of one file {start * 1000:.1f} ms (start-up)")
    return over <= 0.010


def built(wheels, path):
    """Each release as commits of one to four files; then edits of single lines; keys that come and go."""
    chosen, made, now = random.Random(7), Import(path), {}
    number = lambda wheel: [int(digits) for digits in re.findall(r"\d+", wheel.name.split("-")[1])]
    for wheel in sorted(pathlib.Path(wheels).glob("*.whl"), key=number):
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/") and "dist-info" not in name]
            new = {name: archive.read(name) for name in names}
        changes = [(name, content) for name, content in new.items() if now.get(name) != content]
        changes += [(name, None) for name in now if name not in new]
        now = dict(new)
        chosen.shuffle(changes)
        while changes:
            count = chosen.randint(1, 4)
            some, changes = changes[:count], changes[count:]
            if made.commits % 997 == 5:
                some.append((f"conf/keys_{made.commits}.py", f"KEY = '{key(chosen)}'\n".encode()))
            if made.commits % 997 == 40:
                some.append((f"conf/keys_{made.commits - 35}.py", None))
            made.commit(some)
        texts = sorted(name for name in now if name.endswith(".py"))
        for edit in range(900):
            name = chosen.choice(texts)
            lines = now[name].split(b"\n")
            lines.insert(chosen.randrange(len(lines)), b"# edit %d" % edit)
            now[name] = b"\n".join(lines)
            made.commit([(name, now[name])])
    made.close()


def oracle(repository):
    """The first commit and path of each key that a line of any patch brings."""
    command = ["git", "-C", str(repository), "log", "-p", "--all", "--reverse", "--format=commit %H", "--no-renames", "-m"]
    found, commit, path = {}, None, None
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            if line.startswith(b"commit "):
                commit = line.split()[1].decode()
            elif line.startswith(b"+++ b/"):
                path = line[6:].rstrip(b"\n").rstrip(b"\t").decode()
            elif (hit := KEY.match(line)) and path:
                found.setdefault((path, hit[1]), commit)
    return sorted((path, commit) for (path, _), commit in found.items())


def history(args, folder):
    repository = args.repository
    if not repository:
        repository = folder / "history"
        built(args.wheels, repository)
    commits = int(git(repository, "rev-list", "--all", "--count"))
    sizes = git(repository, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectsize)").decode().split("\n")
    blobs = [int(line.split()[1]) for line in sizes if line.startswith("blob")]
    print(f"history: {commits} commits, {len(blobs)} blobs of {sum(blobs) / 1e6:.0f} MB; medians of {args.rounds}")
    objects = "git cat-file --batch-all-objects --batch --unordered --buffer | cat"
    results = measured(
        {
            "keyfence history": ([PROGRAM, "history", "-q"], repository),
            "git cat-file --unordered | cat": (["sh", "-c", objects], repository),
            "git log -p --all": (["git", "log", "-p", "--all"], repository),
        },
        args.rounds,
    )
    shown(results)
    ours, objects, log = results.values()
    print(f"  wall: {ours[0] / log[0]:.2f}x of git log -p, {ours[0] / objects[0]:.2f}x of git cat-file (at most 0.40x)")
    print(f"  CPU:  {ours[1] / log[1]:.2f}x of git log -p, {ours[1] / objects[1]:.2f}x of git cat-file")
    report = subprocess.run([PROGRAM, "history", "-f", "jsonl"], cwd=repository, capture_output=True).stdout
    lines = [json.loads(line) for line in report.splitlines()]
    ours_found = sorted({(one["path"], one["commit"]) for one in lines if one.get("masked") == f"{PREFIX}…(32)"})
    expected = oracle(repository)
    same = ours_found == expected
    print(f"  keys: {len(ours_found)} found, {len(expected)} in git log -p: {'equal' if same else 'NOT EQUAL'}")
    for one in sorted(set(expected) ^ set(ours_found))[:10]:
        print("   ", "missing" if one in expected else "more", *one)
    return same and ours[2] <= 512 * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["staged", "history"])
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--wheels", help="a folder of released wheels of one package")
    parser.add_argument("--repository", type=pathlib.Path, help="a repository that is there")
    args = parser.parse_args()
    if args.what == "history" and not (args.wheels or args.repository):
        parser.error("history wants --wheels or --repository")
    args.rounds = args.rounds or (21 if args.what == "staged" else 3)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="keyfence-git-"))
    try:
        good = (staged if args.what == "staged" else history)(args, folder)
    finally:
        shutil.rmtree(folder)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
