"""CodeBuild: builds that run their buildspec on this machine."""

from local_aws.codebuild.engine import start
from local_aws.codebuild.response import CodeBuildResponse
from local_aws.service import Service

SERVICE = Service(name="codebuild", response=CodeBuildResponse, start=start)
