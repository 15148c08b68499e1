# A small function that responds to every request with the access key id that came with it.
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = self.key().encode()
        self.send_response(self.status())
        self.send_header("content-length", str(len(body)))
        self.more_headers()
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def key(self):
        return self.headers["x-fc-access-key-id"] or os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"]

    def status(self):
        return 200

    def more_headers(self):
        pass

    def log_message(self, *_):
        print(self.headers["x-fc-request-id"], self.path.partition("?")[0], flush=True)


class Server(ThreadingHTTPServer):
    request_queue_size = 64


host, port = "0.0.0.0", int(os.environ["FC_CUSTOM_LISTEN_PORT"])

# Lines of a test go here.

assert "MARKER_OF_THE_TESTER" not in os.environ, "the tester's environment leaked in"
assert os.path.samefile(os.getcwd(), os.environ["FC_FUNC_CODE_PATH"]), "started elsewhere"
Server((host, port), Handler).serve_forever()
