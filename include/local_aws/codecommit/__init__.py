"""CodeCommit: real git repositories over HTTP, and a push that is an event."""

from local_aws.codecommit.git_http import PREFIX, serve_git
from local_aws.codecommit.response import CodeCommitResponse
from local_aws.service import Service

SERVICE = Service(name="codecommit", response=CodeCommitResponse, routes={PREFIX: serve_git})
