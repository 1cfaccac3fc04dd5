"""Every key of every producer is found and redacted, and nothing else is."""
import base64, json, pathlib, re, subprocess, sys

program, work = sys.argv[1], pathlib.Path(sys.argv[2])
keys = json.load(open(work / 'keys.json'))
failed = False
for path in sorted((work / 'logs').glob('*.log')):
    log, own = path.read_bytes(), keys[path.stem]
    run = subprocess.run([program, 'stream', '--redact'], input=log, capture_output=True)
    told = [json.loads(line) for line in run.stderr.splitlines() if line.startswith(b'{')]
    scan = subprocess.run([program, 'scan', '-f', 'jsonl', str(path)], capture_output=True)
    found = [row for row in map(json.loads, scan.stdout.splitlines()) if row.get('type') == 'finding']
    # A body may stand in base64, too, in any of three alignments.
    def forms(key):
        body = key.encode()
        yield body
        for shift in range(3):
            yield base64.b64encode(b' ' * shift + body)[4 if shift else 0:-4]
    logged = {name: key for name, key in own.items() if any(form in log for form in forms(key))}
    left = [name for name, key in logged.items() if any(run.stdout.count(form[i:i + 10]) for form in forms(key) for i in range(8, len(form) - 12, 6))]
    # What was redacted, and is none of the keys.
    spans, wrong = sorted((row['offset'], row['length'], row['rule'], row['excerpt']) for row in found), []
    for offset, length, rule, excerpt in spans:
        part = log[offset:offset + length]
        if not any(form[:12] in part or part in form for key in own.values() for form in forms(key)):
            wrong.append((rule, excerpt))
    # Everything else stands where it stood.
    parts, at, same = re.split(rb'\[REDACTED:[^\]]*\]', run.stdout), 0, True
    for part in parts:
        next_at = log.find(part, at)
        same, at = same and next_at >= at, next_at + len(part)
    same = same and log.startswith(parts[0]) and at == len(log) and log.endswith(parts[-1])
    ok = not left and not wrong and same and len(logged) == len(own) and run.returncode == 0
    failed |= not ok
    print(f"{'ok  ' if ok else 'FAIL'} {path.stem:10} {len(log):7} bytes, {len(logged)} of {len(own)} keys logged, "
          f"{len(parts) - 1:3} redactions, {len(told):3} alerts, {len(found):3} findings of scan, {len(left)} left, {len(wrong)} wrong"
          + (f' left: {left}' if left else '') + ''.join(f'\n       {rule}: {excerpt[:160]}' for rule, excerpt in wrong))
sys.exit(failed)
