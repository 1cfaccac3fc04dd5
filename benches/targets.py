#!/usr/bin/env python3
"""The speed targets, measured: one row each, with the target and whether it is met.

    benches/targets.py [--keyfence target/release/keyfence] [--tree DIR] [--log-mib 256] [--rounds 7]

Every figure is the median over the rounds of a ratio of two runs that follow each other, so that what
else the machine does hits both. Wants `rg`. Exit 0 whatever was measured: a slow minute is no mistake.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = 16 << 20                                  # so much of the log is made up; then it repeats
ARCHIVES = (".zip", ".jar", ".whl", ".apk", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".deb", ".rpm", ".crate")
NEEDLE = "sk_" + "live_zzzzzzzz"                  # stands nowhere
HOSTS = ["api.stripe.com", "api.paystack.co", "connect.squareup.com", "checkout-test.adyen.com"]


class Made:
    """Texts made up from a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def of(self, letters, length):
        return "".join(self.random.choices(letters, k=length))

    def hex(self, length):
        return self.of("0123456789abcdef", length)

    def word(self, length):
        return self.of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", length)

    def uuid(self):
        return "-".join(map(self.hex, (8, 4, 4, 4, 12)))

    def record(self, number):
        """A record as payment services write them; every fifth says where it comes from."""
        pick, told = self.random.choice, number % 5 == 0
        time_ = "2026-06-%02dT%02d:%02d:%02d.%03dZ" % (number // 9000000 % 28 + 1, number // 360000 % 24,
                                                       number // 6000 % 60, number // 100 % 60, number % 1000)
        kind = self.random.randrange(100)
        if kind < 40:
            told = pick([',"env":"%s"' % pick(["production", "staging", "sandbox"]), ',"livemode":true',
                         ',"upstream":"https://%s/v1/charges"' % pick(HOSTS)]) if told else ""
            return '{"ts":"%s","level":"info","service":"%s","msg":"%s","request_id":"%s","trace_id":"%s","payment":"pi_%s"%s}' % (
                time_, pick(["checkout", "payouts", "ledger"]), pick(["captured", "settled", "token refreshed"]),
                self.uuid(), self.hex(32), self.word(24), told)
        if kind < 65:
            return "ts=%s level=info svc=%s msg=\"webhook delivered\" rid=%s idempotency-key=%s took=%dus key_id=mk_%s%s" % (
                time_, pick(["risk", "cards"]), self.uuid(), self.uuid(), number % 99999, self.word(24),
                " env=production upstream=" + pick(HOSTS) if told else "")
        if kind < 85:
            return '203.0.%d.%d - - [12/Mar/2026:09:13:07 +0000] "POST /v1/charges/%s?page=2&next=%%2Fpay%%3Fid%%3D%s HTTP/1.1" 200 %d "-" "Mozilla/5.0 (X11; Linux x86_64)"%s' % (
                number % 256, number // 256 % 256, self.word(24), self.hex(12), number % 9999,
                " host=" + pick(HOSTS) if told else "")
        if kind < 92:
            return '{"ts":"%s","msg":"upstream said {\\"id\\":\\"ch_%s\\",\\"customer\\":\\"cus_%s\\",\\"path\\":\\"\\/v1\\/refunds\\"}","svc":"ledger","env":"staging"}' % (
                time_, self.word(24), self.word(14))
        if kind < 96:
            return '{"ts":"%s","page":"/checkout","publishableKey":"pk_%s_51%s00%s","session":"%s"}' % (
                time_, pick(["live", "test"]), self.word(87), self.word(8), self.hex(32))
        return "%s ERROR [risk] charge ch_%s failed rid=%s\n\tat com.acme.pay.gateway.AuthorizationClient.send(AuthorizationClient.java:141)\n\tat com.acme.pay.gateway.KeyedRetry.call(KeyedRetry.java:38)" % (
            time_, self.word(24), self.uuid())


def apart(work, *args):
    """Done by another process: what this one has in memory would count for each that it starts."""
    child = os.fork()
    if not child:
        work(*args)
        os._exit(0)
    os.waitpid(child, 0)


def write_log(path, mib):
    made, block, size, number = Made(1), [], 0, 0
    while size < BLOCK:
        line = made.record(number) + "\n"
        if number % 40000 == 20000:
            line = 'ts=1 level=error msg="Invalid API Key provided: sk_%s_%s"\n' % ("live", made.word(24))
        block.append(line)
        size += len(line)
        number += 1
    text = "".join(block).encode()
    with open(path, "wb") as out:
        for _ in range(max(1, (mib << 20) // len(text))):
            out.write(text)
    return path.stat().st_size


def write_lines(folder):
    """A benign and a hostile line of the same length."""
    made, hostile = Made(2), []
    heads = ["sk_" + "live_", "EAAA", "api_key=", "token: ", "%25" * 24, "\\" * 64, "[" * 40, "AKIA", "pk_" + "test_51"]
    while sum(map(len, hostile)) < 4 << 20:
        hostile.append(made.random.choice(heads))
    hostile = "".join(hostile)[:4 << 20]
    words = ["payment", "settled", "order", "customer", "refund", "amount", "merchant", "invoice"]
    benign = " ".join(made.random.choice(words) for _ in range(1 << 20))[:4 << 20]
    for name, text in [("hostile", hostile), ("benign", benign.ljust(4 << 20))]:
        (folder / name).write_text(text)


class Run:
    """One run: seconds, processor seconds of the user and of the system, memory in MiB."""

    def __init__(self, command, stdin=None, before=None):
        source = open(stdin, "rb") if stdin else subprocess.DEVNULL
        cat = None
        if before:
            cat = subprocess.Popen(before, stdout=subprocess.PIPE)
            source = cat.stdout
        started = time.monotonic()
        child = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if cat:
            cat.stdout.close()
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        self.wall = time.monotonic() - started
        if cat:
            cat.wait()
        self.user, self.cpu, self.memory = usage.ru_utime, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def pipe(commands, stdin):
    """Seconds until all of a pipe has ended."""
    started, source, running = time.monotonic(), open(stdin, "rb"), []
    for command in commands:
        last = command is commands[-1]
        child = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL if last else subprocess.PIPE,
                                 stderr=subprocess.DEVNULL)
        source.close()
        source = child.stdout
        running.append(child)
    for child in running:
        child.wait()
    return time.monotonic() - started


class Table:
    def __init__(self, rounds):
        self.rounds, self.rows = rounds, []

    def row(self, name, command, measured, unit, target):
        met = "yes" if measured <= target else "**no**"
        self.rows.append("| %s | %.2f %s | ≤ %g %s | %s | `%s` |" % (name, measured, unit, target, unit, met, command))
        print(self.rows[-1], file=sys.stderr, flush=True)

    def note(self, name, command, measured, unit):
        """What has no target."""
        self.rows.append("| %s | %.0f %s | | | `%s` |" % (name, measured, unit, command))
        print(self.rows[-1], file=sys.stderr, flush=True)

    def ratio(self, name, command, ours, other, target):
        values = []
        for _ in range(self.rounds):
            values.append((ours(), other()))
        self.row(name, command, statistics.median(a / max(b, 1e-3) for a, b in values), "x", target)

    def worst(self, name, command, measure, unit, target):
        self.row(name, command, max(measure() for _ in range(2)), unit, target)


def small(table, keyfence, rg, folder):
    path = folder / "small.env"
    path.write_text("x=1\n")

    def cpu(command):
        return statistics.median(Run(command).cpu for _ in range(15)) * 1000

    floor = cpu(["/bin/true"])
    table.row("one file, CPU over `/bin/true`", "keyfence scan FILE", cpu([keyfence, "scan", path]) - floor, "ms", 10)
    path.write_text("STRIPE_API_KEY=changeme\nauth_token=none\nurl=https://api.stripe.com/v1\n")
    table.row("one file with names", "keyfence scan FILE", cpu([keyfence, "scan", path]) - floor, "ms", 10)
    table.row("for comparison: rg", "rg -c -F X FILE", cpu([rg, "-c", "-F", NEEDLE, path]) - floor, "ms", 10)


def without_archives(where, folder):
    """The same tree, less what is unpacked: that is other work than to look for a string."""
    for path in Path(where).rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.name.lower().endswith(ARCHIVES):
            copy = folder / path.relative_to(where)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def tree(table, keyfence, rg, where, folder):
    plain, packed = folder / "tree", folder / "tree.tar.gz"
    without_archives(where, plain)
    ours, other = [keyfence, "scan", "--no-ignore", plain], [rg, "-a", "-c", "-F", "--hidden", "--no-ignore", NEEDLE, plain]
    Run(ours)
    Run(other)
    table.ratio("tree, wall over rg", "keyfence scan --no-ignore TREE", lambda: Run(ours).wall, lambda: Run(other).wall, 1.2)
    table.ratio("tree, user CPU over rg", "keyfence scan --no-ignore TREE", lambda: Run(ours).user, lambda: Run(other).user, 8)
    table.worst("tree, memory", "keyfence scan --no-ignore TREE", lambda: Run(ours).memory, "MiB", 32)
    subprocess.run(["tar", "-czf", packed, "-C", plain, "."], check=True)
    unpacked = sum(path.stat().st_size for path in plain.rglob("*") if path.is_file()) / 1e6
    seconds = statistics.median(Run([keyfence, "scan", packed]).wall for _ in range(table.rounds))
    table.note("tree in an archive", "keyfence scan TREE.tar.gz", unpacked / seconds, "MB/s unpacked")


def files(table, keyfence, rg, log):
    other = [rg, "-a", "-c", "-F", NEEDLE]
    one, all_ = [keyfence, "scan", "-j", "1", log], [keyfence, "scan", log]
    table.ratio("large file, wall over -j 1", "keyfence scan LOG", lambda: Run(all_).wall, lambda: Run(one).wall, 0.6)
    table.ratio("large file, user CPU over rg", "keyfence scan LOG", lambda: Run(all_).user, lambda: Run(other + [log]).user, 8)
    table.worst("large file, memory", "keyfence scan LOG", lambda: Run(all_).memory, "MiB", 64)
    for command in (["scan", "-"], ["stream"]):
        name = "keyfence %s < LOG" % " ".join(command)
        table.ratio("redirected, user CPU over rg", name, lambda: Run([keyfence, *command], stdin=log).user,
                    lambda: Run(other, stdin=log).user, 8)
        table.worst("redirected, memory", name, lambda: Run([keyfence, *command], stdin=log).memory, "MiB", 64)
    table.ratio("pipe, wall over rg", "cat LOG \\| keyfence scan -", lambda: pipe([["cat"], [keyfence, "scan", "-"]], log),
                lambda: pipe([["cat"], other], log), 1.0)
    redact = [keyfence, "stream", "--redact", "--alerts", "none"]
    table.ratio("redact, wall over one more cat", "cat LOG \\| keyfence stream --redact \\| cat",
                lambda: pipe([["cat"], redact, ["cat"]], log), lambda: pipe([["cat"], ["cat"], ["cat"]], log), 1.1)


def lines(table, keyfence, folder):
    apart(write_lines, folder)
    run = lambda name: Run([keyfence, "scan", str(folder / name)]).user
    table.ratio("hostile line, over a benign one", "keyfence scan LINE", lambda: run("hostile"), lambda: run("benign"), 20)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keyfence", default=str(ROOT / "target/release/keyfence"))
    parser.add_argument("--tree", default=str(Path.home() / ".cargo/registry/src"))
    parser.add_argument("--log-mib", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="small,tree,files,lines", help="which groups of rows")
    args = parser.parse_args()
    rg = shutil.which("rg") or sys.exit("rg is missing: `cargo install ripgrep`")
    table, wanted = Table(args.rounds), args.only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if "small" in wanted:
            small(table, args.keyfence, rg, folder)
        if "tree" in wanted:
            tree(table, args.keyfence, rg, args.tree, folder)
        if "files" in wanted:
            log = folder / "app.log"
            apart(write_log, log, args.log_mib)
            time.sleep(3)                         # a file that is being written is not mapped
            files(table, args.keyfence, rg, str(log))
        if "lines" in wanted:
            lines(table, args.keyfence, folder)
    print("| what | measured | target | met | command |\n|---|---|---|---|---|")
    print("\n".join(table.rows))


if __name__ == "__main__":
    main()
