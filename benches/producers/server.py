"""Refuses every request, and echoes the key that came with it."""
import http.server, sys

class Refuse(http.server.BaseHTTPRequestHandler):
    def refuse(self):
        self.rfile.read(int(self.headers.get('content-length') or 0))
        key = self.headers.get('x-api-key') or ''
        body = ('{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: %s"}}' % key).encode()
        self.send_response(401)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = refuse
    def log_message(self, *args): pass

http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Refuse).serve_forever()
