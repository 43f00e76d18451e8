"""Which login leads to a repository."""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from botocore.credentials import ReadOnlyCredentials

from airdock.aws.code_repositories import codecommit_login, login_of

URL = "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/greeter"


@dataclass
class Connection:
    """What is read of an Airflow connection."""

    login: str | None = None
    password: str | None = None
    extra_dejson: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("provider", "user"),
    [("github", "x-access-token"), ("gitlab", "oauth2"), ("bitbucket", "x-token-auth"), ("git", "git")],
)
def test_login_of_a_token_alone_has_the_forges_own_user(provider, user):
    login = login_of(Connection(password="t0ken"), provider)
    assert (login.user, login.password) == (user, "t0ken")


def test_login_of_a_connection_with_a_user_keeps_it():
    assert login_of(Connection("ada", "secret"), "github").user == "ada"


def test_login_of_a_connection_with_a_key_names_no_user():
    login = login_of(Connection(extra_dejson={"private_key": "KEY", "known_hosts": "x ssh-rsa y"}), "git")
    assert (login.user, login.private_key, login.known_hosts) == ("", "KEY", "x ssh-rsa y")


def test_codecommit_login_is_the_key_with_its_session_and_a_signature_with_its_time():
    login = codecommit_login(ReadOnlyCredentials("AKID", "secret", "session"), "eu-west-1", URL)
    moment, _, signature = login.password.partition("Z")
    assert login.user == "AKID%session"
    assert len(moment) == len("20260102T030405")
    assert len(bytes.fromhex(signature)) == 32


def test_codecommit_login_of_a_user_without_session_has_no_session_part():
    assert codecommit_login(ReadOnlyCredentials("AKID", "secret", None), "eu-west-1", URL).user == "AKID"


def test_codecommit_login_is_signed_as_git_remote_codecommit_signs():
    login = codecommit_login(ReadOnlyCredentials("AKID", "secret", None), "eu-west-1", URL)
    moment, _, signature = login.password.partition("Z")
    canonical = "GIT\n/v1/repos/greeter\n\nhost:git-codecommit.eu-west-1.amazonaws.com\n\nhost\n"
    scope = f"{moment[:8]}/eu-west-1/codecommit/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4secret"
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    assert signature == key.hex()
