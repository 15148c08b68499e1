"""The official Python SDK as a client of the local STS, with both signature versions.

OSS_UPLOAD_BIN names the built tool.
"""

import json
import os
import re
import subprocess
import tempfile
import threading
import unittest

from alibabacloud_credentials.client import Client as Credentials
from alibabacloud_credentials.models import Config as CredentialsConfig
from alibabacloud_sts20150401 import models
from alibabacloud_sts20150401.client import Client
from alibabacloud_tea_openapi.utils_models import Config

KEY_ID = "LTAI5tClientTests"
SECRET = "ClientTestsSecret"
ROLE_ARN = "acs:ram::1234567890123456:role/oss-uploader"
VERSIONS = {"ACS3": None, "RPC": "v2"}
POLICY = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "oss:PutObject",
                "Resource": "acs:oss:*:*:examplebucket/用户 dir/~a+b%20(1)!'*",
            }
        ],
    },
    ensure_ascii=False,
)


class Sts:
    """A running local STS; it ends with its `with`."""

    def __init__(self, *faults):
        self.folder = tempfile.TemporaryDirectory()
        self.oss = None
        options = [option for fault in faults for option in ("--fault", fault)]
        self.process = subprocess.Popen(
            [os.environ["OSS_UPLOAD_BIN"], "emulate", "--port", "0", "--sts-port", "0"]
            + ["--bucket", "examplebucket", "--data-dir", self.folder.name]
            + ["--access-key-id", KEY_ID, "--access-key-secret", SECRET, *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stdout:
            oss = re.match(r"oss\s+http://(\S+)", line)
            self.oss = oss.group(1) if oss else self.oss
            found = re.match(r"sts\s+http://(\S+)", line)
            if found:
                self.host = found.group(1)
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

    def client(self, algorithm, key_id=KEY_ID, secret=SECRET, token=None):
        return Client(
            Config(
                access_key_id=key_id,
                access_key_secret=secret,
                security_token=token,
                protocol="http",
                endpoint=self.host,
                signature_algorithm=algorithm,
            )
        )


def assume(client, **parameters):
    request = models.AssumeRoleRequest(
        role_arn=ROLE_ARN, role_session_name="session", **parameters
    )
    return client.assume_role(request).body


def again(sts, algorithm, keys):
    """Makes a client that calls with the keys it was given."""
    return sts.client(
        algorithm, keys.access_key_id, keys.access_key_secret, keys.security_token
    )


class Clients(unittest.TestCase):
    def setUp(self):
        self.sts = Sts()
        self.addCleanup(self.sts.__exit__)

    def refused(self, code, call, *arguments, **parameters):
        with self.assertRaises(Exception) as raised:
            call(*arguments, **parameters)
        self.assertEqual(raised.exception.code, code)

    def test_a_role_is_assumed(self):
        for name, algorithm in VERSIONS.items():
            with self.subTest(name):
                body = assume(self.sts.client(algorithm))
                self.assertTrue(body.credentials.access_key_id.startswith("STS."))
                self.assertEqual(body.assumed_role_user.arn, f"{ROLE_ARN}/session")

    def test_a_policy_that_is_hard_to_encode_arrives_whole(self):
        for name, algorithm in VERSIONS.items():
            with self.subTest(name):
                parameters = {"policy": POLICY, "external_id": "ext-ID_1,a@b:c/d=e.f"}
                body = assume(
                    self.sts.client(algorithm), duration_seconds=900, **parameters
                )
                self.assertTrue(body.credentials.security_token)

    def test_temporary_keys_assume_the_role_again(self):
        for name, algorithm in VERSIONS.items():
            with self.subTest(name):
                keys = assume(self.sts.client(algorithm)).credentials
                body = assume(again(self.sts, algorithm, keys))
                self.assertNotEqual(body.credentials.access_key_id, keys.access_key_id)

    def test_keys_that_have_expired_are_refused(self):
        for name, algorithm in VERSIONS.items():
            # Issued by a clock that is behind and used by one that is ahead, they live too short.
            clocks = ["assume-role:clock=-600", "assume-role:clock=600"]
            with self.subTest(name), Sts(*clocks) as sts:
                keys = assume(sts.client(algorithm), duration_seconds=900).credentials
                caller = again(sts, algorithm, keys)
                self.refused("InvalidSecurityToken.Expired", assume, caller)

    def test_a_wrong_secret_is_refused(self):
        for name, algorithm in VERSIONS.items():
            with self.subTest(name):
                caller = self.sts.client(algorithm, secret="wrong")
                self.refused("SignatureDoesNotMatch", assume, caller)

    def test_an_unknown_key_is_refused(self):
        for name, algorithm in VERSIONS.items():
            with self.subTest(name):
                caller = self.sts.client(algorithm, key_id="LTAI5tNobody")
                self.refused("InvalidAccessKeyId.NotFound", assume, caller)

    def test_a_condition_in_a_policy_is_not_overlooked(self):
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        statement["Condition"] = {"Bool": {"acs:SecureTransport": "true"}}
        policy = json.dumps({"Version": "1", "Statement": [statement]})
        caller = self.sts.client(None)
        self.refused("NotImplemented", assume, caller, policy=policy)

    def test_a_call_with_an_oidc_token_is_understood(self):
        request = models.AssumeRoleWithOIDCRequest(
            oidcprovider_arn="acs:ram::1234567890123456:oidc-provider/none",
            oidctoken="aaa.bbb.ccc",
            role_arn=ROLE_ARN,
            role_session_name="session",
        )
        caller = self.sts.client(None)
        self.refused(
            "AuthenticationFail.NoPermission",
            caller.assume_role_with_oidc,
            request,
        )

    def test_the_credentials_uri_gives_keys_that_can_assume_the_role(self):
        uri = f"http://{self.sts.host}/credentials"
        config = CredentialsConfig(type="credentials_uri", credentials_uri=uri)
        keys = Credentials(config).get_credential()
        body = assume(again(self.sts, None, keys))
        self.assertTrue(body.credentials.access_key_id.startswith("STS."))


if __name__ == "__main__":
    unittest.main()
