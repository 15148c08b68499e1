"""The official Python SDK for OSS as a client of the local OSS: requests that it signs in headers, and URLs.

OSS_UPLOAD_BIN names the built tool.
"""

import datetime
import os
import re
import subprocess
import tempfile
import threading
import unittest

import alibabacloud_oss_v2 as oss
import requests

KEY_ID = "LTAI5tClientTests"
SECRET = "ClientTestsSecret"
BUCKET = "examplebucket"
KEY = "图/a b+c%.txt"
BODY = b"hello world"
ETAG = '"5EB63BBBE01EEED093CB22BB8F5ACDC3"'
CRC64 = "5981764153023615706"


class LocalOss:
    """A running local OSS; it ends with its `with`."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [os.environ["OSS_UPLOAD_BIN"], "emulate", "--port", "0", "--bucket", BUCKET]
            + ["--data-dir", self.folder.name]
            + ["--access-key-id", KEY_ID, "--access-key-secret", SECRET, *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stdout:
            found = re.match(r"oss\s+(http://\S+)", line)
            if found:
                self.url = found.group(1)
                break
        else:
            raise RuntimeError(f"the tool ended with {self.process.wait()}")
        # What is printed later is read too, or the tool would wait for a reader.
        self.reader = threading.Thread(target=self.process.stdout.read)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.folder.cleanup()

    def client(self, secret=SECRET, version=None):
        config = oss.config.load_default()
        config.credentials_provider = oss.credentials.StaticCredentialsProvider(KEY_ID, secret)
        config.region = "cn-hangzhou"
        # `localhost` stands for a domain that is bound to the bucket; for a number the client would use the path style.
        config.endpoint = self.url.replace("127.0.0.1", "localhost")
        config.use_cname = True
        config.signature_version = version
        config.retry_max_attempts = 1
        return oss.Client(config)


class OfficialClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.oss = LocalOss()
        cls.oss.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.oss.__exit__()

    def test_an_object_is_put_described_read_and_deleted(self):
        for version in ("v4", "v1"):
            with self.subTest(version):
                client = self.oss.client(version=version)
                put = client.put_object(
                    oss.PutObjectRequest(
                        bucket=BUCKET,
                        key=KEY,
                        body=BODY,
                        content_type="text/plain",
                        cache_control="no-cache",
                        metadata={"author": "foo"},
                    )
                )
                self.assertEqual((put.status_code, put.etag, put.hash_crc64), (200, ETAG, CRC64))
                head = client.head_object(oss.HeadObjectRequest(bucket=BUCKET, key=KEY))
                self.assertEqual(head.content_length, len(BODY))
                self.assertEqual(head.content_type, "text/plain")
                self.assertEqual(head.metadata["author"], "foo")
                get = client.get_object(
                    oss.GetObjectRequest(bucket=BUCKET, key=KEY, range_header="bytes=6-10")
                )
                self.assertEqual((get.status_code, get.body.content), (206, b"world"))
                deleted = client.delete_object(oss.DeleteObjectRequest(bucket=BUCKET, key=KEY))
                self.assertEqual(deleted.status_code, 204)

    def test_a_refusal_is_read_with_its_code_and_ec(self):
        client = self.oss.client(secret="another")
        with self.assertRaises(oss.exceptions.OperationError) as raised:
            client.put_object(oss.PutObjectRequest(bucket=BUCKET, key=KEY, body=BODY))
        error = raised.exception.unwrap()
        self.assertEqual((error.status_code, error.code), (403, "SignatureDoesNotMatch"))
        self.assertEqual(error.ec, "0002-00000040")
        client = self.oss.client()
        for call in (
            lambda: client.get_object(oss.GetObjectRequest(bucket=BUCKET, key="absent")),
            lambda: client.head_object(oss.HeadObjectRequest(bucket=BUCKET, key="absent")),
        ):
            with self.assertRaises(oss.exceptions.OperationError) as raised:
                call()
            self.assertEqual(raised.exception.unwrap().code, "NoSuchKey")

    def test_presigned_urls_put_and_read(self):
        client = self.oss.client()
        expires = datetime.timedelta(minutes=5)
        put = client.presign(
            oss.PutObjectRequest(bucket=BUCKET, key="signed.txt", content_type="text/plain"),
            expires=expires,
        )
        refused = requests.put(put.url, data=BODY, timeout=10)
        self.assertEqual(refused.status_code, 403, "the signed type is missing")
        stored = requests.put(put.url, data=BODY, headers=put.signed_headers, timeout=10)
        self.assertEqual((stored.status_code, stored.headers["ETag"]), (200, ETAG))
        get = client.presign(
            oss.GetObjectRequest(
                bucket=BUCKET,
                key="signed.txt",
                response_content_disposition='attachment; filename="a b.txt"',
            ),
            expires=expires,
        )
        read = requests.get(get.url, timeout=10)
        self.assertEqual((read.status_code, read.content), (200, BODY))
        self.assertEqual(read.headers["Content-Disposition"], 'attachment; filename="a b.txt"')
        self.assertEqual(requests.head(get.url, timeout=10).status_code, 403)
        self.assertEqual(requests.get(get.url.split("?")[0], timeout=10).status_code, 403)


if __name__ == "__main__":
    unittest.main()
