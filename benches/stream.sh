#!/usr/bin/env bash
# Latency, memory and throughput of `keyfence stream`, against one more `cat` in the pipe. Prints one
# line for each measure; fails where a promise that does not depend on the machine is broken.
#
#   benches/stream.sh [MIB] [PROGRAM] [SECONDS]
#
# MIB of generated log, 1024 by default; ten thousand lines a second for so many SECONDS, 60 by default. Every
# fifth record names a provider's host, an environment or a livemode, environments are judged, and the bytes that
# the program says it has read are those of the input: speed by skipping is no speed. What the matrix asks at full
# size of a gigabyte, ten gibibytes, a million keys: tests/it/stream/full.rs.
set -euo pipefail
mib=${1:-1024}
program=${2:-target/release/keyfence}
seconds=${3:-60}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
limit_kib=$((64 * 1024))

note() { printf '%-34s %s\n' "$1" "$2"; }
fail() { note "$1" "FAILED: $2"; failed=1; }

python3 - "$work" "$mib" <<'PY'
import random, string, sys
work, mib = sys.argv[1], int(sys.argv[2])
r = random.Random(1)
def word(n): return ''.join(r.choices(string.ascii_letters + string.digits, k=n))
def line(i):
    kind = i % 5
    if kind == 0: return '10.0.0.%d - - [12/Mar/2026:09:%02d:07 +0000] "GET /v1/invoices/%s?page=%d HTTP/1.1" 200 %d "-" "curl/8"' % (i % 250, i % 60, word(12), i, i)
    # Every fifth record says something of environments: a host, a field, or an event with its mode.
    if kind == 1 and i % 3 == 0: return '{"level":30,"time":17803587%05d,"host":"api.stripe.com","req":{"id":"%s","url":"/v1/charges"},"msg":"request"}' % (i % 99999, word(16))
    if kind == 1 and i % 3 == 1: return '{"level":30,"time":17803587%05d,"env":"production","req":{"id":"%s","url":"/v1/charges"},"msg":"request"}' % (i % 99999, word(16))
    if kind == 1: return '{"level":30,"time":17803587%05d,"event":{"id":"evt_1%s","object":"event","livemode":true},"msg":"hook"}' % (i % 99999, word(23))
    if kind == 2: return '2026-03-12T09:11:07.%03dZ INFO webhook evt_1%s delivered in %d ms trace_id=%s' % (i % 999, word(23), i % 90, word(32).lower())
    if kind == 3: return '<14>Mar 12 09:11:07 node2 pay[1956]: cache key user:%d:profile hit token_bucket=%d auth=ok' % (i, i % 12)
    return '2026-03-12T09:11:07Z DEBUG ' + ' '.join(word(r.randint(3, 9)) for _ in range(30))
block = ''.join(line(i) + '\n' for i in range(40000))
keys = ['sk_' + 'live_' + word(24) for _ in range(200)]
open(work + '/keys', 'w').write('\n'.join(keys) + '\n')
with open(work + '/clean', 'w') as clean:
    for _ in range(mib * 1024 * 1024 // len(block) + 1): clean.write(block)
lines = block.splitlines()
with open(work + '/keyed', 'w') as keyed:
    for key in keys:
        at = r.randrange(len(lines))
        keyed.write('\n'.join(lines[at:at + 500]) + '\nk=' + key + ' ' + lines[at] + '\n')
with open(work + '/line', 'w') as one:
    for _ in range(mib * 1024 * 1024 // len(block) + 1): one.write(block.replace('\n', ' '))
    one.write(' k=' + keys[0] + ' end\n')
PY

peak() { python3 - "$@" <<'PY'
import resource, subprocess, sys
with open(sys.argv[1], 'rb') as source:
    subprocess.run(sys.argv[2:], stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
PY
}
common=(--env production --alerts "$work/alerts.jsonl" --metrics-file "$work/m.prom")
redact=("$program" stream --redact "${common[@]}")
cat "$work/clean" > /dev/null

# The same bytes.
before=$(sha256sum < "$work/clean"); after=$("${redact[@]}" < "$work/clean" | sha256sum)
[ "$before" = "$after" ] && note "clean log, byte for byte" ok || fail "clean log" "other bytes"
for mode in "" --redact; do
    rm -f "$work/m.prom"
    # shellcheck disable=SC2086
    "$program" stream $mode "${common[@]}" < "$work/clean" > "$work/out"
    read -r _ bytes < <(grep '^keyfence_bytes_total ' "$work/m.prom"); size=$(stat -c %s "$work/clean")
    [ "$bytes" = "$size" ] && note "bytes read, stream $mode" "$bytes of $size" || fail "bytes read, stream $mode" "$bytes of $size"
done
rm -f "$work/out"
left=$("${redact[@]}" < "$work/keyed" | grep -c -F -f "$work/keys" || true)
[ "$left" = 0 ] && note "200 planted keys" "all redacted" || fail "planted keys" "$left left"

# Memory.
for file in clean line; do
    kib=$(peak "$work/$file" "${redact[@]}")
    [ "$kib" -le "$limit_kib" ] && note "peak memory, $file" "$((kib / 1024)) MiB" || fail "peak memory, $file" "$kib KiB"
done

# Throughput: medians of ratios, each against the other in the same turn.
python3 - "$work" "$mib" "$program" "${common[@]}" <<'PY'
import os, resource, shutil, statistics, subprocess, sys, time
work, mib, program = sys.argv[1], int(sys.argv[2]), sys.argv[3]
clean, null = work + '/clean', open(os.devnull, 'wb')
def cost(*stages):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    source, running = open(clean, 'rb'), []
    for at, stage in enumerate(stages):
        last = at == len(stages) - 1
        p = subprocess.Popen(stage, stdin=source, stdout=null if last else subprocess.PIPE, stderr=subprocess.DEVNULL)
        source.close()
        source = p.stdout
        running.append(p)
    for p in running: p.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user = after.ru_utime - before.ru_utime
    return time.perf_counter() - start, user, user + after.ru_stime - before.ru_stime
find = [shutil.which('rg') or 'grep', '-a', '-c', '-F', 'a text that stands nowhere']
stream, redact = [program, 'stream', *sys.argv[4:]], [program, 'stream', '--redact', *sys.argv[4:]]
def compare(name, ours, theirs, which, unit, target):
    pairs = [(cost(*ours)[which], cost(*theirs)[which]) for _ in range(5)]
    ratio = statistics.median(a / max(b, 1e-9) for a, b in pairs)
    mine = statistics.median(a for a, _ in pairs)
    met = '' if target == '-' else ', met' if ratio <= float(target) else ', MISSED'
    print('%-34s %.2fx (target %s%s), %.2f s %s against %.2f, %.0f MiB/s' % (name, ratio, target, met, mine, unit, statistics.median(b for _, b in pairs), mib / mine))
compare('stream < f : rg -c -F < f', [stream], [find], 1, 'user', '8')
compare('stream --redact < f : rg < f', [redact], [find], 1, 'user', '8')
compare('cat f | stream : cat f | rg', [['cat'], stream], [['cat'], find], 0, 'wall', '1.0')
compare('cat f | redact : cat f | cat', [['cat'], redact], [['cat'], ['cat']], 0, 'wall', '1.1')
compare('the same, all CPU', [['cat'], redact], [['cat'], ['cat']], 2, 'CPU', '-')
PY

# Latency: a line in, the line out.
python3 - "${redact[@]}" <<'PY' || failed=1
import base64, subprocess, sys, threading, time
p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
missed = False
def turn(line):
    start = time.perf_counter()
    writer = threading.Thread(target=p.stdin.write, args=(line,)) if len(line) > 65536 else None
    if writer: writer.start()
    else: p.stdin.write(line)
    last = b''
    while last[-1:] != b'\n': last = p.stdout.read(1 << 20)
    took = (time.perf_counter() - start) * 1000
    if writer: writer.join()
    return took
def told(name, took, limit, more=''):
    global missed
    missed |= took > limit
    print('%-34s %.2f ms%s (at most %g ms%s)' % (name, took, more, limit, ', MISSED' if took > limit else ''))
turn(b'warm\n')
line = b'2026-03-12T09:11:07Z INFO request done trace_id=0123456789abcdef url=/v1/invoices?page=2\n'
took = sorted(turn(line) for _ in range(5000))
print('%-34s p50 %.3f ms, p99 %.3f ms, worst %.3f ms' % ('latency of a line, idle', took[2500], took[4950], took[-1]))
nested = b'lorem ipsum dolor'
for _ in range(4): nested = base64.b64encode(nested)
units = [('benign', b'lorem ips'), ('prefixes', b'sk_' + b'live_'), ('percent', b'%25'), ('backslashes', b'\\'), ('brackets', b'[[[['),
         ('nested base64', nested), ('banners', b'environment '), ('facts', b'env=prod api.sandbox.payca.io 4242424242424242 ')]
benign = {}
for size, limit in ((1 << 16, 50), (1 << 20, 1000)):
    for name, unit in units:
        took = min(turn((unit * (size // len(unit) + 1))[:size - 1] + b'\n') for _ in range(5))
        benign.setdefault(size, took)
        times = took / benign[size]
        told('%d KiB line, %s' % (size >> 10, name), took, limit, ', %.1fx of benign (target 20%s)' % (times, ', MISSED' if times > 20 else ''))
key = b'sk_' + b'live_' + b'0a1B2c3D4e5F6g7H8i9J0kLm'
text = (b'lorem ipsum ' * (1 << 18))[:3 << 20]
took = min(turn(b'{"text":"' + text + b'","api_key":"' + key + b'","z":1}\n') for _ in range(5))
told('3 MiB JSON line, key near its end', took, 100)
p.stdin.close(); p.wait()
sys.exit(missed)
PY
# Ten thousand lines a second.
python3 - "$seconds" "${redact[@]}" <<'PY' || failed=1
import resource, subprocess, sys, threading, time
seconds = int(sys.argv[1]); total = seconds * 10000
p = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
sent, took = [0.0] * total, []
def read():
    rest = b''
    while True:
        got = p.stdout.read(1 << 16)
        if not got: return
        now = time.perf_counter(); rest += got; lines = rest.split(b'\n'); rest = lines.pop()
        for text in lines: took.append((now - sent[int(text.split(b' ', 1)[0])]) * 1000)
thread = threading.Thread(target=read); thread.start()
start = time.perf_counter(); n = 0
while n < total:
    due = min(int((time.perf_counter() - start) * 10000), total)
    batch = [b'%d INFO request done trace_id=0123456789abcdef url=/v1/invoices env=production\n' % k for k in range(n, due)]
    now = time.perf_counter()
    for k in range(n, due): sent[k] = now
    n = max(n, due)
    if batch: p.stdin.write(b''.join(batch))
    time.sleep(0.0002)
p.stdin.close(); p.wait(); thread.join()
wall = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN); cpu = used.ru_utime + used.ru_stime
took.sort(); p99 = took[len(took) * 99 // 100]
print('%-34s p50 %.3f ms, p99 %.3f ms (at most 5 ms%s), %.1f s of CPU in %.0f s' % ('10,000 lines a second', took[len(took) // 2], p99, ', MISSED' if p99 > 5 else '', cpu, wall))
sys.exit(p99 > 5 or len(took) != total or cpu > wall)
PY
exit "$failed"
