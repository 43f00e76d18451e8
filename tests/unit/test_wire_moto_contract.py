"""The few internals of moto that the local AWS stands on; a new moto that changes one fails here, by name."""

import inspect
from collections.abc import Callable

import moto
import pytest
from moto.backends import get_backend
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import convert_to_flask_response, get_service_model
from moto.events.models import EventPattern, events_backends
from moto.events.responses import EventsHandler
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeKey, s3_backends

from local_aws.dispatch import HELD_BY_MOTO

ACCOUNT, REGION = "123456789012", "eu-west-1"


def test_moto_is_the_pinned_minor_version() -> None:
    assert moto.__version__.startswith("5.2.")


def test_dispatcher_chooses_an_application_per_request() -> None:
    dispatcher = DomainDispatcherApplication(create_backend_app)
    scope = f"AWS4-HMAC-SHA256 Credential=K/20260101/{REGION}/sts/aws4_request, SignedHeaders=host"
    app = dispatcher.get_application({"HTTP_AUTHORIZATION": scope, "PATH_INFO": "/", "HTTP_HOST": "127.0.0.1"})
    assert app.service == "sts"


@pytest.mark.parametrize("name", ["dispatch", "_dispatch", "setup_class", "call_action", "_get_action", "serialized"])
def test_response_has_the_methods_that_parts_build_on(name: str) -> None:
    assert isinstance(inspect.getattr_static(BaseResponse, name), Callable | classmethod)


def test_response_parses_parameters_by_model_and_answers_with_results() -> None:
    assert BaseResponse("ecs").automated_parameter_parsing is False
    assert ActionResult({"a": 1}).result == {"a": 1}
    assert EmptyResult().result is None
    assert ServiceException("Code", "message").code == "Code"


def test_flask_view_wraps_a_handler() -> None:
    assert callable(convert_to_flask_response(BaseResponse.dispatch))


@pytest.mark.parametrize("signing_name", sorted(HELD_BY_MOTO))
def test_backends_are_attributes_of_objects_by_account_and_region(signing_name: str) -> None:
    service = {"elasticloadbalancing": "elbv2", "monitoring": "cloudwatch"}.get(signing_name, signing_name)
    region = "aws" if service in ("iam", "s3", "sts") else REGION
    backend = get_backend(service)[ACCOUNT][region]
    assert isinstance(backend, BaseBackend)
    assert type(backend).__module__.split(".")[1] == service
    assert (backend.account_id, backend.region_name) == (ACCOUNT, region)
    assert backend in [each for of_service in BackendDict._instances for _, _, each in of_service.iter_backends()]


def test_s3_object_keeps_its_body_in_a_buffer_apart_from_its_state() -> None:
    key = FakeKey("k", b"body", ACCOUNT, REGION)
    assert {"_value_buffer", "lock", "disposed"} <= set(vars(key))
    assert key.__getstate__()["value"] == key.value == b"body"
    assert key in FakeKey.instances_tracked
    assert isinstance(s3_backends.bucket_accounts, dict)


def test_event_rule_tells_pattern_state_and_targets() -> None:
    backend = events_backends[ACCOUNT][REGION]
    rule = backend.put_rule("contract", event_pattern='{"source": ["a"]}')
    assert (rule.state, list(rule.targets)) == ("ENABLED", [])
    assert isinstance(rule.event_pattern, EventPattern)
    assert rule.event_pattern.get_pattern() == {"source": ["a"]}
    assert rule.event_pattern.matches_event({"source": "a"})
    assert not rule.event_pattern.matches_event({"source": "b"})
    assert backend.describe_event_bus("default").rules["contract"] is rule
    assert callable(EventsHandler.put_events)


@pytest.mark.parametrize(
    ("service", "protocol"),
    [("ecs", "json"), ("elbv2", "query"), ("ec2", "ec2"), ("lambda", "rest-json"), ("s3", "rest-xml")],
)
def test_wire_protocols_have_parser_serializer_and_router(service: str, protocol: str) -> None:
    assert protocol in PROTOCOL_PARSERS
    assert get_serializer_class(service, protocol)
    assert get_service_model(service).operation_names
    assert get_service_router(service)
