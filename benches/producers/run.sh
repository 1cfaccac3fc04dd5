#!/usr/bin/env bash
# Real programs log real requests with generated keys; keyfence must find every key in every log, and
# nothing else. Installs pino, pino-http, winston, morgan, express and axios by npm, requests, httpx and
# Django by pip; nginx and PostgreSQL are taken from the PATH where they are there.
#
#   benches/producers/run.sh [PROGRAM] [FOLDER]     the folder keeps what was installed and logged
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "${1:-target/release/keyfence}")
work=$(realpath -m "${2:-$(mktemp -d)}")
mkdir -p "$work" && cd "$work"

[ -d node_modules/axios ] || npm install --silent --no-audit --no-fund pino pino-http winston morgan axios express
[ -d venv ] || { python3 -m venv venv; venv/bin/pip install -q requests httpx django; }
rm -rf logs && mkdir logs

# Keys by provider, each with its own body: no two logs share one.
venv/bin/python - > keys.json <<'PY'
import json, random, string
r = random.SystemRandom()
def word(n, letters=string.ascii_letters + string.digits): return ''.join(r.choices(letters, k=n))
names = 'pino winston morgan axios requests httpx django nginx postgres'.split()
shapes = {
    'stripe': lambda: 'sk_' + 'live_51' + word(97),
    'restricted': lambda: 'rk_' + 'live_' + word(24),
    'paystack': lambda: 'sk_' + 'live_' + word(40, '0123456789abcdef'),
    'flutterwave': lambda: 'FLWSECK' + '-' + word(32, '0123456789abcdef') + '-X',
    'webhook': lambda: 'whsec' + '_' + word(32),
}
print(json.dumps({name: {shape: make() for shape, make in shapes.items()} for name in names}))
PY

# A server that refuses everybody, and says with which key, as servers do.
venv/bin/python "$here/server.py" 8931 & server=$!
trap 'kill $server 2>/dev/null || true' EXIT
sleep 1

for name in pino winston morgan axios; do
    NODE_PATH="$work/node_modules" node "$here/$name.js" > "logs/$name.log" 2>&1 || true
done
for name in requests httpx django; do
    venv/bin/python "$here/${name}_app.py" > "logs/$name.log" 2>&1 || true
done
if command -v nginx > /dev/null; then "$here/nginx.sh" "$work"; fi
if command -v initdb > /dev/null || ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1; then "$here/postgres.sh" "$work" || true; fi

venv/bin/python "$here/check.py" "$program" "$work"
