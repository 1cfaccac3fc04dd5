#!/usr/bin/env bash
# nginx in front of the server that refuses: access log with headers, error log.
set -euo pipefail
cd "$1"
rm -rf nginx && mkdir -p nginx
cat > nginx/nginx.conf <<CONF
daemon off; pid $1/nginx/pid; error_log $1/nginx/error.log info;
events {}
http {
    log_format keys '\$remote_addr [\$time_local] "\$request" \$status "\$http_referer" key="\$http_x_api_key" auth="\$http_authorization"';
    access_log $1/nginx/access.log keys;
    client_body_temp_path $1/nginx/t1; proxy_temp_path $1/nginx/t2; fastcgi_temp_path $1/nginx/t3; uwsgi_temp_path $1/nginx/t4; scgi_temp_path $1/nginx/t5;
    server { listen 127.0.0.1:8934;
        location / { proxy_pass http://127.0.0.1:8931; }
        location /gone { proxy_pass http://127.0.0.1:1; } }
}
CONF
nginx -c "$1/nginx/nginx.conf" -p "$1/nginx" & daemon=$!
sleep 1
key() { venv/bin/python -c "import json; print(json.load(open('keys.json'))['nginx']['$1'])"; }
get() { curl -s -o nginx/out "$@" || true; }
get "http://127.0.0.1:8934/v1/invoices?page=2&api_key=$(key stripe)"
get -H "x-api-key: $(key paystack)" -H "referer: https://shop.example/?t=$(key restricted)" http://127.0.0.1:8934/v1/x
get -u "$(key flutterwave):" http://127.0.0.1:8934/v1/basic
get "http://127.0.0.1:8934/gone?secret=$(key webhook)"
kill "$daemon"; wait "$daemon" || true
cat nginx/access.log nginx/error.log > logs/nginx.log
