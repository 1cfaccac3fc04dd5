#!/usr/bin/env bash
# PostgreSQL that logs every statement, its parameters and its errors.
set -euo pipefail
cd "$1"
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1 || dirname "$(command -v initdb)")
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
data=$(mktemp -d); [ "$(id -u)" = 0 ] && chown postgres "$data"
trap 'as "$bin/pg_ctl" -D "$data/db" -m immediate stop > /dev/null 2>&1 || true; rm -rf "$data"' EXIT
as "$bin/initdb" -A trust -D "$data/db" > /dev/null
as "$bin/pg_ctl" -w -D "$data/db" -l "$data/log" -o "-c listen_addresses='' -c unix_socket_directories=$data -c log_statement=all -c log_min_duration_statement=0 -c log_connections=on" start > /dev/null
key() { venv/bin/python -c "import json; print(json.load(open('keys.json'))['postgres']['$1'])"; }
sql() { as "$bin/psql" -q -h "$data" postgres "$@" > /dev/null 2>&1 || true; }
sql -c "create table gateway (id int primary key, name text, credential text)"
sql -c "insert into gateway values (1, 'acme', '$(key stripe)')"
sql -c "insert into gateway values (1, 'again', '$(key paystack)')"
sql -c "prepare q (text) as select * from gateway where credential = \$1; execute q ('$(key flutterwave)')"
sql -c "select * from gateway where credential = \"$(key restricted)\""
sql -c "copy gateway from stdin; " < /dev/null
sql -c "update gateway set credential = E'$(key webhook)\\n' where id = 1"
as "$bin/pg_ctl" -w -D "$data/db" -m fast stop > /dev/null
cp "$data/log" logs/postgres.log
