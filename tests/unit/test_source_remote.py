"""Which addresses git may open, and what is said of the others."""

import pytest

from airdock.errors import Refused
from airdock.source.remote import Login, Remote, forge_url


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/greeter.git",
        "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/greeter",
        "ssh://git@git.example.com:7999/acme/greeter.git",
        "http://127.0.0.1:4566/git/v1/repos/greeter",
        "http://[::1]:4566/git/v1/repos/greeter",
        "http://localhost/greeter",
    ],
)
def test_remote_accepts_an_address_of_a_git_server(url):
    assert Remote(url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c 'touch canary'",
        "ext::sh%20-c%20touch%20canary",
        "file:///etc",
        "/etc",
        "../repository",
        "git://github.com/acme/greeter.git",
        "ftp://example.com/greeter",
        "git@github.com:acme/greeter.git",
        "ssh://-oProxyCommand=touch%20canary/greeter",
        "ssh://-oProxyCommand@example.com/greeter",
        "ssh://git:secret@example.com/greeter",
        "https://token@github.com/acme/greeter.git",
        "https://user:token@github.com/acme/greeter.git",
        "https://github.com",
        "https://",
        "https://github.com/acme/greeter.git?x=1",
        "https://github.com/acme/greeter.git#x",
        "https://github.com/acme/greeter\n.git",
        "https://github.com:99999/acme/greeter.git",
        "https://gïthub.com/acme/greeter.git",
        "--upload-pack=touch canary",
        "",
    ],
)
def test_remote_refuses_what_is_no_address_of_a_git_server(url):
    with pytest.raises(Refused):
        Remote(url)


@pytest.mark.parametrize("host", ["git.example.com", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com"])
def test_remote_refuses_plain_http_beyond_loopback_unless_the_connection_allows_it(host):
    with pytest.raises(Refused, match=r"plain http.*allow_http"):
        Remote(f"http://{host}/greeter.git")
    assert Remote(f"http://{host}/greeter.git", allow_http=True).scheme == "http"


def test_remote_never_repeats_the_credentials_of_a_refused_address():
    with pytest.raises(Refused) as refusal:
        Remote("https://user:hunter2@github.com/acme/greeter.git")
    assert "hunter2" not in refusal.value.sentence
    assert "Airflow connection" in refusal.value.sentence


def test_login_keeps_its_secrets_out_of_its_repr():
    told = repr(Remote("https://example.com/x", Login("ada", "hunter2", "-----BEGIN KEY")))
    assert "ada" in told
    assert "hunter2" not in told
    assert "BEGIN" not in told


def test_forge_url_is_the_address_of_the_forge():
    assert forge_url("github", "acme/greeter") == "https://github.com/acme/greeter.git"
    assert forge_url("gitlab", "acme/web/greeter") == "https://gitlab.com/acme/web/greeter.git"
    assert forge_url("bitbucket", "acme/greeter.git") == "https://bitbucket.org/acme/greeter.git"


@pytest.mark.parametrize("name", ["greeter", "acme/../x", "acme/gree ter", "acme/greeter?x", "@evil.com/x", "/x/y"])
def test_forge_url_refuses_a_name_that_could_lead_elsewhere(name):
    with pytest.raises(Refused, match="owner/name"):
        forge_url("github", name)
