"""Telling a forge over real HTTP: what it gets, and what becomes of a forge that does not behave."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from airdock.errors import Refused
from airdock.forge import api as forge_api
from airdock.forge.access import authorization
from airdock.forge.address import Address, address
from airdock.forge.api import Api
from airdock.forge.reporting import tell
from airdock.plan.forge_status import Forge, Progress
from airdock.release import Outcome
from airdock.source.remote import Login
from tests.forge_server import ForgeServer, serving
from tests.registry import until

TOKEN = "ghp_0123456789"
BEGUN = Progress("acme/greeter", "c" * 40, "production", None, "on its way", "https://airflow.example.com", "main")
LIVE = replace(BEGUN, outcome=Outcome.LIVE, sentence="live")
TAKEN_BACK = replace(BEGUN, outcome=Outcome.ROLLED_BACK, sentence="an alarm fired")


@pytest.fixture
def server() -> Iterator[ForgeServer]:
    with serving() as forge:
        yield forge


def api(server: ForgeServer, forge: Forge = Forge.GITHUB) -> Api:
    if forge is Forge.BITBUCKET:
        at: Address | None = Address(forge, f"{server.origin}/2.0", "acme/greeter")
    else:
        scm = "scm/" if forge is Forge.BITBUCKET_DATA_CENTER else ""
        at = address("git", server.repository(f"{scm}acme/greeter"), forge.value)
    assert at is not None
    return Api(at, f"Bearer {TOKEN}")


def test_github_shows_a_commit_that_went_live(server: ForgeServer) -> None:
    assert tell(api(server), BEGUN, begun=True) == []
    assert tell(api(server), LIVE, begun=True) == []
    assert server.states() == ["pending", "success"]
    [deployment] = server.deployments
    assert [each["state"] for each in deployment["statuses"]] == ["in_progress", "success"]
    assert {each.authorization for each in server.requests} == {f"Bearer {TOKEN}"}


def test_gitlab_shows_a_commit_that_was_taken_back(server: ForgeServer) -> None:
    assert tell(api(server, Forge.GITLAB), BEGUN, begun=True) == []
    assert tell(api(server, Forge.GITLAB), TAKEN_BACK, begun=True) == []
    assert server.states() == ["pending", "failed"]
    assert [each["statuses"] for each in server.deployments] == [["running", "failed"]]


@pytest.mark.parametrize("forge", [Forge.BITBUCKET, Forge.BITBUCKET_DATA_CENTER])
def test_bitbucket_shows_a_build(server: ForgeServer, forge: Forge) -> None:
    assert tell(api(server, forge), BEGUN, begun=True) == []
    assert tell(api(server, forge), LIVE, begun=True) == []
    assert server.states() == ["INPROGRESS", "SUCCESSFUL"]
    assert {each["key"] for each in server.statuses} == {"airdock/production"}
    assert server.deployments == []


@pytest.mark.parametrize("forge", [Forge.GITHUB, Forge.GITLAB])
def test_told_twice_is_one_deployment(server: ForgeServer, forge: Forge) -> None:
    for _ in range(2):
        assert tell(api(server, forge), BEGUN, begun=True) == []
    assert len(server.deployments) == 1


@pytest.mark.parametrize("forge", [Forge.GITHUB, Forge.GITLAB])
def test_a_deployment_whose_creation_was_answered_by_nobody_is_found_again(server: ForgeServer, forge: Forge) -> None:
    # The status, the look-up, and then the creation, which happens.
    server.badly = ["well", "well", "lose"]
    assert tell(api(server, forge), BEGUN, begun=True) == []
    assert len(server.deployments) == 1


def test_where_the_delivery_did_not_come_there_is_no_deployment(server: ForgeServer) -> None:
    assert tell(api(server), replace(LIVE, outcome=Outcome.REFUSED), begun=False) == []
    assert (server.states(), server.deployments) == (["failure"], [])


@pytest.mark.parametrize("once", [500, 503, 429, "cut", "lose"])
def test_what_may_pass_is_tried_once_more(server: ForgeServer, once: int | str) -> None:
    server.badly = [once]
    assert tell(api(server), LIVE, begun=False) == []
    assert server.states()[-1] == "success"


@pytest.mark.parametrize("how", [500, 429, "cut", "hang"])
def test_a_forge_out_of_reach_is_given_up_after_the_second_try(
    server: ForgeServer, how: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.badly = [how] * 10
    if how == "hang":
        monkeypatch.setattr(forge_api, "TIMEOUT_SECONDS", (10, 0.5))
    since = time.monotonic()
    [told] = tell(api(server), LIVE, begun=True)
    assert time.monotonic() - since < 30, "it hangs for a minute"
    until(lambda: len(server.requests) == 2)  # a busy machine may read them when nobody waits for an answer any more
    assert told.startswith("POST 127.0.0.1/repos/acme/greeter/statuses/")


def test_what_the_forge_refuses_is_told_once_and_without_the_token(server: ForgeServer) -> None:
    server.badly = [401]
    [told] = tell(api(server), LIVE, begun=False)
    assert told.endswith("answered 401: not with Bearer (hidden)")
    assert len(server.requests) == 1
    assert TOKEN not in repr(api(server))


def test_a_refused_status_does_not_keep_the_deployment_back(server: ForgeServer) -> None:
    server.badly = [403]
    assert len(tell(api(server), LIVE, begun=True)) == 1
    assert [each["statuses"][-1]["state"] for each in server.deployments] == ["success"]


def test_a_redirect_is_not_followed(server: ForgeServer) -> None:
    server.badly = ["redirect"]
    [told] = tell(api(server), LIVE, begun=False)
    assert "answered 302: redirects are not followed" in told
    assert [each.path for each in server.requests if "elsewhere" in each.path] == []


def test_an_answer_without_end_or_sense_does_no_harm(server: ForgeServer) -> None:
    server.badly = ["garbage", "huge", "garbage"]
    assert tell(api(server), LIVE, begun=True) == []


def test_a_login_in_the_machines_netrc_is_not_sent(
    server: ForgeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    tell(api(server), LIVE, begun=False)
    assert [each.authorization for each in server.requests] == [f"Bearer {TOKEN}"]


def test_a_forge_whose_certificate_nobody_vouches_for_hears_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = a_certificate(tmp_path)
    with serving(certificate) as server:
        at = address("git", f"https://localhost:{server.port}/acme/greeter.git", "github")
        assert at is not None
        [told] = tell(Api(at, f"Bearer {TOKEN}"), LIVE, begun=False)
        assert "no answer (SSLError)" in told
        assert server.requests == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert tell(Api(at, f"Bearer {TOKEN}"), LIVE, begun=False) == []
        assert server.states() == ["success"]


def a_certificate(folder: Path) -> Path:
    """A file with a new key and its own certificate for localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + DAY)
    signed = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / "forge.pem"
    file.write_bytes(private + signed.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return file


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("told", "api_root", "repository"),
    [
        (("github", "acme/greeter"), "https://api.github.com", "acme/greeter"),
        (("gitlab", "acme/web/greeter.git"), "https://gitlab.com/api/v4", "acme/web/greeter"),
        (("bitbucket", "acme/greeter"), "https://api.bitbucket.org/2.0", "acme/greeter"),
        (("git", "https://github.com/acme/greeter.git"), "https://api.github.com", "acme/greeter"),
        (("git", "https://git.example.com:8443/a/b.git", "github"), "https://git.example.com:8443/api/v3", "a/b"),
        (("git", "https://acme.ghe.com/a/b", "github"), "https://api.acme.ghe.com", "a/b"),
        (("git", "ssh://git@git.example.com:7999/a/b.git", "gitlab"), "https://git.example.com/api/v4", "a/b"),
        (
            ("git", "https://git.example.com/bitbucket/scm/~ada/b.git", "bitbucket-data-center"),
            "https://git.example.com/bitbucket/rest/api/latest",
            "~ada/b",
        ),
        (
            ("git", "ssh://git@git.example.com:7999/acme/b.git", "bitbucket-data-center"),
            "https://git.example.com/rest/api/latest",
            "acme/b",
        ),
    ],
)
def test_the_api_is_at_a_known_address_or_on_the_repositorys_own_host(
    told: tuple[str, ...], api_root: str, repository: str
) -> None:
    found = address(*told)  # type: ignore[arg-type]
    assert found is not None
    assert (found.api, found.repository) == (api_root, repository)


@pytest.mark.parametrize("told", [("codecommit", "greeter"), ("git", "https://git.example.com/a/b.git")])
def test_who_keeps_no_statuses_and_a_server_that_nobody_named_are_not_asked(told: tuple[str, str]) -> None:
    assert address(*told) is None


@pytest.mark.parametrize(
    "told",
    [
        ("git", "http://git.example.com/a/b.git", "gitlab"),
        ("git", "https://git.example.com/a/../../b.git", "gitlab"),
        ("git", "https://git.example.com/a/b%2f..%2fc.git", "gitlab"),
        ("git", "https://user:secret@git.example.com/a/b.git", "gitlab"),
        ("github", "acme/../greeter"),
    ],
)
def test_an_address_that_git_may_not_open_or_that_climbs_is_refused(told: tuple[str, ...]) -> None:
    with pytest.raises(Refused):
        address(*told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("forge", "login", "chosen", "header"),
    [
        (Forge.GITHUB, Login("ada", TOKEN), False, f"Bearer {TOKEN}"),
        (Forge.GITHUB, Login("git", private_key="..."), False, ""),
        (Forge.GITLAB, Login("oauth2", "glpat-1"), False, "Bearer glpat-1"),
        (Forge.GITLAB, Login("ada", "glpat-1"), False, "Bearer glpat-1"),
        (Forge.GITLAB, Login("ada", "her own password"), False, ""),
        (Forge.GITLAB, Login("ada", "chosen"), True, "Bearer chosen"),
        (Forge.BITBUCKET, Login("x-token-auth", "t"), False, "Bearer t"),
        (Forge.BITBUCKET, Login("ada@example.com", "t"), False, "Basic YWRhQGV4YW1wbGUuY29tOnQ="),
        (Forge.BITBUCKET_DATA_CENTER, Login("", "t"), False, "Bearer t"),
        (Forge.BITBUCKET_DATA_CENTER, Login("ada", "her own password"), False, ""),
        (Forge.BITBUCKET_DATA_CENTER, Login("ada", "t"), True, "Basic YWRhOnQ="),
    ],
)
def test_a_token_goes_as_the_forge_takes_it_and_a_persons_password_not_at_all(
    forge: Forge, login: Login, chosen: bool, header: str
) -> None:
    assert authorization(forge, login, chosen) == header
