"""The official Python SDKs of RAM and OSS as clients of the local RAM and of the configuration of a bucket.

OSS_UPLOAD_BIN names the built tool.
"""

import json
import unittest

import alibabacloud_oss_v2 as oss
from alibabacloud_ram20150501 import models
from alibabacloud_ram20150501.client import Client
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.utils_models import Config

from test_sts import KEY_ID, SECRET, VERSIONS, Sts

BUCKET = "examplebucket"
TRUST = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": ["fc.aliyuncs.com"]},
            }
        ],
    }
)


def policy(prefix):
    statement = {"Effect": "Allow", "Action": ["oss:PutObject"]}
    statement["Resource"] = [f"acs:oss:*:*:{BUCKET}/{prefix}*"]
    return json.dumps({"Version": "1", "Statement": [statement]})


class Ram(unittest.TestCase):
    def setUp(self):
        self.sts = Sts()
        self.addCleanup(self.sts.__exit__)

    def config(self, algorithm):
        return Config(
            access_key_id=KEY_ID,
            access_key_secret=SECRET,
            protocol="http",
            endpoint=self.sts.host,
            signature_algorithm=algorithm,
        )

    def refused(self, code, call, request):
        with self.assertRaises(Exception) as raised:
            call(request)
        self.assertEqual(raised.exception.code, code)

    def test_a_role_and_a_policy_are_made_joined_and_removed(self):
        for name, algorithm in VERSIONS.items():
            with self.subTest(name):
                self.journey(Client(self.config(algorithm)))

    def journey(self, ram):
        role = models.GetRoleRequest(role_name="signer")
        self.refused("EntityNotExist.Role", ram.get_role, role)
        create = models.CreateRoleRequest(
            role_name="signer",
            description="a role, 角色",
            assume_role_policy_document=TRUST,
        )
        made = ram.create_role(create).body.role
        self.assertEqual(made.arn, "acs:ram::1234567890123456:role/signer")
        self.refused("EntityAlreadyExists.Role", ram.create_role, create)
        self.assertEqual(ram.get_role(role).body.role.description, "a role, 角色")

        ram.create_policy(
            models.CreatePolicyRequest(policy_name="p", policy_document=policy("v1/"))
        )
        both = {"policy_name": "p", "policy_type": "Custom"}
        attach = models.AttachPolicyToRoleRequest(role_name="signer", **both)
        ram.attach_policy_to_role(attach)
        self.refused(
            "EntityAlreadyExists.Role.Policy", ram.attach_policy_to_role, attach
        )
        listed = ram.list_policies_for_role(
            models.ListPoliciesForRoleRequest(role_name="signer")
        )
        names = [one.policy_name for one in listed.body.policies.policy]
        self.assertEqual(names, ["p"])

        for number in range(2, 6):
            ram.create_policy_version(self.version(number))
        self.refused(
            "LimitExceeded.Policy.Version",
            ram.create_policy_version,
            self.version(6),
        )
        strategy = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
        ram.create_policy_version(self.version(6, rotate_strategy=strategy))
        got = ram.get_policy(models.GetPolicyRequest(**both)).body
        self.assertEqual(got.default_policy_version.policy_document, policy("v6/"))
        self.assertEqual(got.policy.attachment_count, 1)

        self.remove(ram, both)

    def version(self, number, **more):
        return models.CreatePolicyVersionRequest(
            policy_name="p",
            policy_document=policy(f"v{number}/"),
            set_as_default=True,
            **more,
        )

    def remove(self, ram, both):
        role = models.DeleteRoleRequest(role_name="signer")
        self.refused("DeleteConflict.Role.Policy", ram.delete_role, role)
        detach = models.DetachPolicyFromRoleRequest(role_name="signer", **both)
        ram.detach_policy_from_role(detach)
        self.refused("EntityNotExist.Role.Policy", ram.detach_policy_from_role, detach)
        delete = models.DeletePolicyRequest(policy_name="p")
        self.refused("DeleteConflict.Policy.Version", ram.delete_policy, delete)
        listed = ram.list_policy_versions(models.ListPolicyVersionsRequest(**both))
        for one in listed.body.policy_versions.policy_version:
            if not one.is_default_version:
                ram.delete_policy_version(
                    models.DeletePolicyVersionRequest(
                        policy_name="p", version_id=one.version_id
                    )
                )
        ram.delete_policy(delete)
        ram.delete_role(role)

    def test_documents_and_names_that_ram_does_not_accept_are_refused(self):
        ram = Client(self.config(None))
        for code, name, document in [
            ("MalformedPolicyDocument", "p", "{}"),
            ("InvalidParameter.PolicyDocument.Length", "p", policy("x" * 6144)),
            ("InvalidParameter.PolicyName.InvalidChars", "a.b", policy("a/")),
        ]:
            request = models.CreatePolicyRequest(
                policy_name=name, policy_document=document
            )
            self.refused(code, ram.create_policy, request)

    def test_the_caller_is_described(self):
        for name, algorithm in VERSIONS.items():
            with self.subTest(name):
                body = StsClient(self.config(algorithm)).get_caller_identity().body
                self.assertEqual(body.account_id, "1234567890123456")
                self.assertEqual(body.identity_type, "RAMUser")


class Bucket(unittest.TestCase):
    def setUp(self):
        self.sts = Sts()
        self.addCleanup(self.sts.__exit__)
        config = oss.config.load_default()
        config.credentials_provider = oss.credentials.StaticCredentialsProvider(
            KEY_ID, SECRET
        )
        config.region = "cn-hangzhou"
        # `localhost` stands for a domain that is bound to the bucket; for a number the client would use the path style.
        config.endpoint = f"http://{self.sts.oss}".replace("127.0.0.1", "localhost")
        config.use_cname = True
        self.client = oss.Client(config)

    def refused(self, code, call, request):
        with self.assertRaises(oss.exceptions.OperationError) as raised:
            call(request)
        self.assertIn(code, str(raised.exception))

    def test_a_bucket_is_described(self):
        info = self.client.get_bucket_info(oss.GetBucketInfoRequest(bucket=BUCKET))
        self.assertEqual(info.bucket_info.name, BUCKET)
        self.assertEqual(info.bucket_info.location, "oss-cn-hangzhou")

    def test_cors_rules_are_put_read_and_deleted(self):
        get = oss.GetBucketCorsRequest(bucket=BUCKET)
        self.refused("NoSuchCORSConfiguration", self.client.get_bucket_cors, get)
        rule = oss.CORSRule(
            allowed_origins=["https://a.example", "https://*.b.example"],
            allowed_methods=["POST", "PUT"],
            allowed_headers=["*"],
            expose_headers=["ETag"],
            max_age_seconds=600,
        )
        rules = oss.CORSConfiguration(cors_rules=[rule], response_vary=True)
        self.client.put_bucket_cors(
            oss.PutBucketCorsRequest(bucket=BUCKET, cors_configuration=rules)
        )
        got = self.client.get_bucket_cors(get).cors_configuration
        self.assertEqual(got.cors_rules[0].allowed_origins, rule.allowed_origins)
        self.assertEqual(got.cors_rules[0].expose_headers, ["ETag"])
        self.assertTrue(got.response_vary)
        self.client.delete_bucket_cors(oss.DeleteBucketCorsRequest(bucket=BUCKET))
        self.refused("NoSuchCORSConfiguration", self.client.get_bucket_cors, get)

    def test_lifecycle_rules_are_put_read_and_deleted(self):
        get = oss.GetBucketLifecycleRequest(bucket=BUCKET)
        self.refused("NoSuchLifecycle", self.client.get_bucket_lifecycle, get)
        rule = oss.LifecycleRule(
            id="parts",
            prefix="video/",
            status="Enabled",
            abort_multipart_upload=oss.LifecycleRuleAbortMultipartUpload(days=3),
        )
        self.client.put_bucket_lifecycle(
            oss.PutBucketLifecycleRequest(
                bucket=BUCKET,
                lifecycle_configuration=oss.LifecycleConfiguration(rules=[rule]),
            )
        )
        got = self.client.get_bucket_lifecycle(get).lifecycle_configuration.rules[0]
        self.assertEqual((got.id, got.prefix), ("parts", "video/"))
        self.assertEqual(got.abort_multipart_upload.days, 3)
        self.client.delete_bucket_lifecycle(
            oss.DeleteBucketLifecycleRequest(bucket=BUCKET)
        )
        self.refused("NoSuchLifecycle", self.client.get_bucket_lifecycle, get)


if __name__ == "__main__":
    unittest.main()
