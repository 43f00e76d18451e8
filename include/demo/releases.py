"""The versions that are delivered: the sample application with a small change in each."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from airdock.aws.code_repositories import codecommit_login
from demo.place import REGION, ROOT
from demo.process import Trouble, child_environ
from demo.settings import LOCAL_CREDENTIALS

SAMPLE = ROOT / "include" / "sample_app"


@dataclass(frozen=True)
class Change:
    """A commit: new text for old in the program, and files that it adds."""

    version: str
    message: str
    edits: Mapping[str, str] = field(default_factory=dict)
    adds: Mapping[str, str] = field(default_factory=dict)


NOTHING_YET = Change("0.0.0", "A page before the first delivery", {'"Hello!"': '"Hello! Nothing is delivered yet."'})
FIRST = Change("1.0.0", "Say hello")
SECOND = Change("2.0.0", "Say it warmly", {'"Hello!"': '"Hello, and welcome!"'})
THIRD = Change(
    "3.0.0",
    "Keep the greeting in a file",
    # The tests pass, for the file is in the repository. The image lacks it: the page answers 500, /health 200.
    {'"Hello!"': '(HERE / "greeting.txt").read_text().strip()'},
    {"greeting.txt": "Hello from a file!\n"},
)
BROKEN_TEST = Change("1.1.0", "Forget to tell the version", {"<strong>{version}</strong>": "<strong>new</strong>"})


class WorkTree:
    """A clone of the CodeCommit repository, as a developer has it."""

    def __init__(self, directory: Path, remote: str) -> None:
        self._directory = directory
        self._remote = remote
        directory.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")

    def push(self, change: Change, branch: str = "main") -> str:
        """Commit the sample application with this change, push it to a branch, and return the commit's full id."""
        self._write(change)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", f"{change.message} ({change.version})")
        self._git("push", "--quiet", self._remote, f"HEAD:refs/heads/{branch}")
        return self.head()

    def head(self) -> str:
        """The id of the newest commit."""
        return self._git("rev-parse", "HEAD")

    def _write(self, change: Change) -> None:
        # Each version is the sample with its own change: files that another one added must go.
        self._git("rm", "-r", "--quiet", "--ignore-unmatch", ".")
        ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
        shutil.copytree(SAMPLE, self._directory, dirs_exist_ok=True, ignore=ignored)
        program = self._directory / "greeter.py"
        text = program.read_text()
        for old, new in {'"1.0.0"': f'"{change.version}"', **change.edits}.items():
            if old not in text:
                raise Trouble(f"version {change.version} changes {old!r}, which the sample application does not have")
            text = text.replace(old, new)
        program.write_text(text)
        for name, content in change.adds.items():
            (self._directory / name).write_text(content)

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self._directory, env=self._environ(), capture_output=True, text=True
        )
        if done.returncode:
            raise Trouble(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def _environ(self) -> dict[str, str]:
        """Nothing of the user's own git settings; the login that AWS's own credential helper would send."""
        options = {"http.proxy": "", "commit.gpgsign": "false", "http.extraHeader": self._authorization()}
        return child_environ(
            GIT_CONFIG_GLOBAL=os.devnull,
            GIT_CONFIG_NOSYSTEM="1",
            GIT_TERMINAL_PROMPT="0",
            GIT_AUTHOR_NAME="Dana Deployer",
            GIT_AUTHOR_EMAIL="dana@example.com",
            GIT_COMMITTER_NAME="Dana Deployer",
            GIT_COMMITTER_EMAIL="dana@example.com",
            GIT_CONFIG_COUNT=str(len(options)),
            **{f"GIT_CONFIG_KEY_{number}": name for number, name in enumerate(options)},
            **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(options.values())},
        )

    def _authorization(self) -> str:
        credentials = boto3.Session(
            LOCAL_CREDENTIALS["AWS_ACCESS_KEY_ID"], LOCAL_CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
        ).get_credentials()
        login = codecommit_login(credentials, REGION, self._remote)
        encoded = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
        return f"Authorization: Basic {encoded}"
