"""Every way in which a push is told: the sender's secret, the pipeline that it starts, and its message."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.hooks.sender import COMMIT, SECRET, Sent, by_token, payload, sent
from tests.hooks.sns_topic import TOPIC, Topic

PROVIDERS = ("GITHUB", "GITLAB", "BITBUCKET", "BITBUCKET_DATA_CENTER", "CODECOMMIT", "ECR", "GENERIC")
CONNECTIONS = {
    f"AIRFLOW_CONN_AIRDOCK_HOOK_{provider}": json.dumps(
        {"conn_type": "generic", "password": SECRET, "extra": {"topic_arns": [TOPIC]}}
    )
    for provider in PROVIDERS
}
PIPELINES = {
    "of-gitlab": "source: {provider: gitlab, repository: acme/greeter}\n",
    "of-bitbucket": "source: {provider: bitbucket, repository: acme/greeter}\n",
    "of-data-center": "source: {provider: git, repository: 'https://git.example.com/scm/ac/greeter.git'}\n",
    "of-generic": "source: {provider: git, repository: 'https://git.example.com/acme/greeter.git'}\n",
    "of-images": "source: {provider: github, repository: acme/images}\ntriggers: {images: tagged_by_commit}\n",
}
"""The sources of applications beside those of the other tests; CodeCommit's is the demonstration's own."""
TOPIC_OF_TESTS = Topic()


def _by_sns(delivery: str) -> Sent:
    return TOPIC_OF_TESTS.says(json.dumps({**payload("codecommit_push"), "id": delivery}))


def _github(delivery: str) -> Sent:
    files = {"added": ["services/one/new"], "removed": [], "modified": []}
    return sent("github_push", delivery, commits=[{"id": COMMIT, **files}])


MESSAGES: dict[str, tuple[str, Callable[[str], Sent]]] = {
    "github": ("deliver_one", _github),
    "gitlab, signed": ("deliver_of-gitlab", lambda delivery: sent("gitlab_push", delivery)),
    "gitlab, by its token": (
        "deliver_of-gitlab",
        lambda delivery: by_token("gitlab_push", json.dumps(payload("gitlab_push")).encode(), delivery),
    ),
    "bitbucket": ("deliver_of-bitbucket", lambda delivery: sent("bitbucket_push", delivery)),
    "bitbucket data center": ("deliver_of-data-center", lambda delivery: sent("bitbucket-data-center_push", delivery)),
    "codecommit by eventbridge": ("deliver_greeter", lambda delivery: sent("codecommit_push", id=delivery)),
    "codecommit by sns": ("deliver_greeter", _by_sns),
    "ecr": ("deliver_of-images", lambda delivery: sent("ecr_push", id=delivery)),
    "generic": ("deliver_of-generic", lambda delivery: sent("generic_push", delivery)),
}
"""What each starts, and its message of the push that has this delivery id."""
