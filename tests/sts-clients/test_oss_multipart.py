"""The official Python SDK for OSS: multipart uploads to the local OSS, by single operations and by its uploader.

OSS_UPLOAD_BIN names the built tool.
"""

import os
import tempfile
import unittest

import alibabacloud_oss_v2 as oss
import requests

from test_oss import BUCKET, LocalOss

KEY = "视频/a b+c%.bin"
PART = 100 * 1024
PARTS = [bytes([number]) * PART for number in (1, 2)] + [b"the end"]


class MultipartUploads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.oss = LocalOss()
        cls.oss.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.oss.__exit__()

    def begin(self, client, key=KEY):
        request = oss.InitiateMultipartUploadRequest(
            bucket=BUCKET, key=key, content_type="video/mp4", metadata={"author": "foo"}
        )
        begun = client.initiate_multipart_upload(request)
        self.assertEqual((begun.bucket, begun.key), (BUCKET, key))
        return begun.upload_id

    def send(self, client, upload_id, number, body, key=KEY):
        request = oss.UploadPartRequest(
            bucket=BUCKET, key=key, upload_id=upload_id, part_number=number, body=body
        )
        return client.upload_part(request).etag

    def read(self, client, key=KEY):
        got = client.get_object(oss.GetObjectRequest(bucket=BUCKET, key=key))
        return got.body.content

    def test_parts_are_sent_listed_and_joined(self):
        for version in ("v4", "v1"):
            with self.subTest(version):
                client = self.oss.client(version=version)
                upload_id = self.begin(client)
                etags = [
                    self.send(client, upload_id, number, body)
                    for number, body in enumerate(PARTS, 1)
                ]
                listed = client.list_parts(
                    oss.ListPartsRequest(bucket=BUCKET, key=KEY, upload_id=upload_id, max_parts=2)
                )
                self.assertEqual([part.etag for part in listed.parts], etags[:2])
                self.assertEqual([part.size for part in listed.parts], [PART, PART])
                self.assertEqual((listed.key, listed.is_truncated), (KEY, True))
                self.assertEqual(listed.next_part_number_marker, 2)
                uploads = client.list_multipart_uploads(
                    oss.ListMultipartUploadsRequest(bucket=BUCKET)
                )
                self.assertEqual([one.upload_id for one in uploads.uploads], [upload_id])
                self.assertEqual([one.key for one in uploads.uploads], [KEY])
                parts = [
                    oss.UploadPart(part_number=number, etag=etag)
                    for number, etag in enumerate(etags, 1)
                ]
                done = client.complete_multipart_upload(
                    oss.CompleteMultipartUploadRequest(
                        bucket=BUCKET,
                        key=KEY,
                        upload_id=upload_id,
                        complete_multipart_upload=oss.CompleteMultipartUpload(parts=parts),
                    )
                )
                self.assertEqual((done.key, done.etag[-3:]), (KEY, '-3"'))
                head = client.head_object(oss.HeadObjectRequest(bucket=BUCKET, key=KEY))
                self.assertEqual(head.hash_crc64, done.hash_crc64)
                self.assertEqual((head.content_type, head.metadata["author"]), ("video/mp4", "foo"))
                self.assertEqual(self.read(client), b"".join(PARTS))

    def test_everything_is_joined_without_a_list(self):
        client = self.oss.client()
        upload_id = self.begin(client)
        for number, body in enumerate(PARTS, 1):
            self.send(client, upload_id, number, body)
        client.complete_multipart_upload(
            oss.CompleteMultipartUploadRequest(
                bucket=BUCKET, key=KEY, upload_id=upload_id, complete_all="yes"
            )
        )
        self.assertEqual(self.read(client), b"".join(PARTS))

    def test_an_aborted_upload_is_refused_with_code_and_ec(self):
        client = self.oss.client()
        upload_id = self.begin(client)
        self.send(client, upload_id, 1, b"x")
        request = oss.AbortMultipartUploadRequest(bucket=BUCKET, key=KEY, upload_id=upload_id)
        self.assertEqual(client.abort_multipart_upload(request).status_code, 204)
        for call, ec in (
            (lambda: client.abort_multipart_upload(request), "0042-00000002"),
            (lambda: self.send(client, upload_id, 2, b"x"), "0042-00000104"),
        ):
            with self.assertRaises(oss.exceptions.OperationError) as raised:
                call()
            error = raised.exception.unwrap()
            self.assertEqual((error.status_code, error.code), (404, "NoSuchUpload"))
            self.assertEqual(error.ec, ec)

    def test_a_presigned_url_sends_one_part(self):
        client = self.oss.client()
        upload_id = self.begin(client)
        request = oss.UploadPartRequest(
            bucket=BUCKET, key=KEY, upload_id=upload_id, part_number=1
        )
        url = client.presign(request).url
        other = url.replace("partNumber=1", "partNumber=2")
        self.assertEqual(requests.put(other, data=b"x", timeout=10).status_code, 403)
        self.assertEqual(requests.put(url, data=b"presigned", timeout=10).status_code, 200)
        client.complete_multipart_upload(
            oss.CompleteMultipartUploadRequest(
                bucket=BUCKET, key=KEY, upload_id=upload_id, complete_all="yes"
            )
        )
        self.assertEqual(self.read(client), b"presigned")

    def test_the_uploader_sends_a_file_in_parallel_parts(self):
        client = self.oss.client()
        content = os.urandom(5 * PART + 1)
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            uploader = client.uploader(part_size=PART, parallel_num=3)
            request = oss.PutObjectRequest(bucket=BUCKET, key="large.bin")
            done = uploader.upload_file(request, filepath=file.name)
        self.assertEqual(done.etag[-3:], '-6"')
        self.assertEqual(self.read(client, "large.bin"), content)


if __name__ == "__main__":
    unittest.main()
