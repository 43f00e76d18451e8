"""ECS's error answers."""

from moto.core.exceptions import ServiceException


class ClientError(ServiceException):
    """ECS's error for a request that makes no sense."""

    code = "ClientException"


class InvalidParameterError(ServiceException):
    """A parameter that does not fit."""

    code = "InvalidParameterException"


class ServiceNotFoundError(ServiceException):
    """No such service."""

    code = "ServiceNotFoundException"
    message = "Service not found."


class ServiceNotActiveError(ServiceException):
    """The service was deleted."""

    code = "ServiceNotActiveException"
    message = "Service was not ACTIVE."


class ServiceDeploymentNotFoundError(ServiceException):
    """No such service deployment."""

    code = "ServiceDeploymentNotFoundException"
    message = "The specified service deployment does not exist."


class TaskSetNotFoundError(ServiceException):
    """No such task set."""

    code = "TaskSetNotFoundException"
    message = "The specified task set does not exist."


class ConflictError(ServiceException):
    """A client token that came with other parameters before."""

    code = "ConflictException"
    message = (
        "The RunTask request could not be processed due to conflicts. "
        "The provided clientToken is already in use with a different RunTask request."
    )


class UnsupportedFeatureError(ServiceException):
    """Something that the local AWS does not do, said by name."""

    code = "UnsupportedFeatureException"
