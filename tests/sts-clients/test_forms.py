"""HTTP libraries of Python as programs that post a signed form: which forms OSS accepts, and what `explain` says.

OSS_UPLOAD_BIN names the built tool.
"""

import asyncio
import http.client
import http.server
import json
import os
import subprocess
import threading
import unittest
import urllib.parse

import aiohttp
import httpx
import requests
import urllib3

from test_oss import BUCKET, KEY_ID, SECRET, LocalOss

TOOL = os.environ["OSS_UPLOAD_BIN"]
NAME = "照片 😀 (1).png"
TYPE = "image/png"
FILES = {"a picture": b"\x89PNG\r\n\x1a\n--\r\n\r\n", "an empty file": b""}
KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": KEY_ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET}


def tool(*arguments, given=None, env=None):
    """Runs the tool, and gives what it prints."""
    run = subprocess.run(
        [TOOL, *arguments], input=given, env={**os.environ, **(env or {})}, capture_output=True, timeout=60
    )
    if run.returncode:
        raise RuntimeError(run.stderr.decode())
    return run.stdout.decode()


class Relay(http.server.BaseHTTPRequestHandler):
    """Passes a request on to the local OSS, and keeps its bytes."""

    oss = None
    seen = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        Relay.seen = f"{self.requestline}\r\n{head}\r\n".encode() + body
        connection = http.client.HTTPConnection(Relay.oss, timeout=30)
        connection.request("POST", self.path, body, dict(self.headers.items()))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def by_requests(url, fields, content):
    answer = requests.post(url, data=fields, files={"file": (NAME, content, TYPE)}, timeout=30)
    return answer.status_code, answer.text


def by_httpx(url, fields, content):
    answer = httpx.post(url, data=fields, files={"file": (NAME, content, TYPE)}, trust_env=False)
    return answer.status_code, answer.text


def by_urllib3(url, fields, content):
    with urllib3.PoolManager() as pool:
        answer = pool.request("POST", url, fields={**fields, "file": (NAME, content, TYPE)})
        return answer.status, answer.data.decode()


def by_aiohttp(url, fields, content):
    async def post():
        form = aiohttp.FormData(fields)
        form.add_field("file", content, filename=NAME, content_type=TYPE)
        async with aiohttp.ClientSession() as session, session.post(url, data=form) as answer:
            return answer.status, await answer.text()

    return asyncio.run(post())


class Forms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.oss = LocalOss("--public-read")
        cls.oss.__enter__()
        Relay.oss = cls.oss.url.removeprefix("http://").rstrip("/")
        cls.relay = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
        cls.thread = threading.Thread(target=cls.relay.serve_forever)
        cls.thread.start()
        cls.url = f"http://127.0.0.1:{cls.relay.server_port}/"

    @classmethod
    def tearDownClass(cls):
        cls.relay.shutdown()
        cls.thread.join()
        cls.relay.server_close()
        cls.oss.__exit__()

    def sign(self, content):
        """A form for this file, signed by the tool."""
        options = ["--bucket", BUCKET, "--region", "cn-hangzhou", "--dialect", "fields", "--min-size", "0"]
        file = ["--filename", NAME, "--content-type", TYPE, "--size", str(len(content))]
        return json.loads(tool("sign", *options, *file, env=KEYS))["fields"]

    def test_what_these_libraries_write_is_stored(self):
        for post in (by_requests, by_httpx, by_urllib3):
            for what, content in FILES.items():
                with self.subTest(f"{post.__name__}: {what}"):
                    fields = self.sign(content)
                    status, text = post(self.url, fields, content)
                    self.assertEqual((status, text), (200, ""))
                    key = urllib.parse.quote(fields["key"])
                    stored = requests.get(f"{self.oss.url.rstrip('/')}/{key}", timeout=30)
                    self.assertEqual((stored.status_code, stored.content), (200, content))
                    self.assertEqual(stored.headers["Content-Type"], TYPE)

    def test_aiohttp_writes_the_type_first_so_oss_refuses_it_and_explain_names_it(self):
        content = FILES["a picture"]
        status, text = by_aiohttp(self.url, self.sign(content), content)
        self.assertEqual(status, 400)
        self.assertIn("<EC>0006-00000109</EC>", text)
        said = tool("explain", given=Relay.seen)
        self.assertIn("The form was probably written by aiohttp (Python)", said)
        self.assertIn("Post the form with httpx or requests.", said)
        # Also of the form alone: the boundary and the heads of the parts show it.
        said = tool("explain", given=Relay.seen.split(b"\r\n\r\n", 1)[1])
        self.assertIn("The form was probably written by aiohttp (Python)", said)

    def test_explain_names_the_libraries_in_a_form_that_oss_refuses(self):
        for post in (by_requests, by_httpx, by_urllib3):
            with self.subTest(post.__name__):
                fields = {**self.sign(b"12"), "key": "another"}
                status, _ = post(self.url, fields, b"12")
                self.assertEqual(status, 403)
                said = tool("explain", given=Relay.seen.split(b"\r\n\r\n", 1)[1])
                self.assertIn("probably written by requests, httpx or urllib3 (Python)", said)


if __name__ == "__main__":
    unittest.main()
