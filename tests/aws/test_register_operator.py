"""Registering a task definition: pinned, stamped, and once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airdock.aws.operators.ecs import EcsRegisterTaskDefinitionOperator
from airdock.errors import Fault
from airdock.release import TaskDefinition
from tests.delivery import COMMIT, a_source, a_target, an_image, connect
from tests.fakes import FakeStore, a_context, run_task
from tests.local_aws_process import LocalAws

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/greeter@sha256:" + "a1" * 32
TASKDEF = {
    "family": "greeter-app",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [{"name": "web", "image": "<IMAGE1_NAME>", "portMappings": [{"containerPort": 8080}]}],
}


@pytest.fixture(scope="module")
def service(local_aws: LocalAws) -> LocalAws:
    """A service that runs greeter:1 with an image of its own, a label and an empty environment value."""
    ecs, ec2 = local_aws.client("ecs"), local_aws.client("ec2")
    ecs.create_cluster(clusterName="demo")
    container = {"name": "web", "image": "public.example/greeter:1", "environment": [{"name": "EMPTY", "value": ""}]}
    ecs.register_task_definition(
        family="greeter",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[container],
        tags=[{"key": "team", "value": "greetings"}],
    )
    vpc = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.30.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]
    ecs.create_service(
        cluster="demo",
        serviceName="greeter",
        taskDefinition="greeter:1",
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}},
    )
    return local_aws


@pytest.fixture(autouse=True)
def connected(service: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(service, monkeypatch)
    service.faults()


def an_operator(taskdef: Any = None, image: str = IMAGE, origin: Any = None) -> EcsRegisterTaskDefinitionOperator:
    files = {} if taskdef is None else {"taskdef": json.dumps(taskdef)}
    origin = origin or {"from": "live" if taskdef is None else "repository"}
    return EcsRegisterTaskDefinitionOperator(
        task_id="register",
        application="greeter",
        target=a_target(task_definition=origin),
        source=a_source(**files),
        build={"image": an_image(image)},
    )


def register(taskdef: Any = None, image: str = IMAGE, origin: Any = None, **context: Any) -> TaskDefinition:
    return TaskDefinition.from_json(run_task(an_operator(taskdef, image, origin), a_context("register", **context)))


def described(service: LocalAws, arn: str) -> tuple[dict[str, Any], dict[str, str]]:
    answer = service.client("ecs").describe_task_definition(taskDefinition=arn, include=["TAGS"])
    return answer["taskDefinition"], {tag["key"]: tag["value"] for tag in answer["tags"]}


def an_image_of(number: int) -> str:
    return f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/greeter@sha256:{number:064x}"


def test_the_live_definition_gets_only_another_image(service: LocalAws) -> None:
    record = register()
    definition, tags = described(service, record.arn)
    [container] = definition["containerDefinitions"]
    assert container["image"] == record.image == IMAGE
    assert container["environment"] == [{"name": "EMPTY", "value": ""}]
    assert (definition["family"], definition["cpu"], tags["team"]) == ("greeter", "256", "greetings")
    assert record.previous_arn.endswith("task-definition/greeter:1")
    assert record.previous_image == "public.example/greeter:1"


def test_the_repositorys_definition_is_filled_pinned_and_stamped(service: LocalAws) -> None:
    record = register(TASKDEF)
    definition, tags = described(service, record.arn)
    assert record.family == definition["family"] == "greeter-app"
    assert definition["containerDefinitions"][0]["image"] == IMAGE
    assert tags["airdock:commit"] == COMMIT
    assert tags["airdock:run"] == "manual__1"
    assert tags["airdock:application"] == "greeter"


def test_a_retry_registers_nothing_twice(service: LocalAws) -> None:
    first = register(image=an_image_of(2))
    again = register(image=an_image_of(2), run_id="manual__2")
    other = register(image=an_image_of(3))
    assert first.arn == again.arn != other.arn


def test_a_lost_reply_is_found_by_the_next_try(service: LocalAws) -> None:
    lost = {"id": "lost", "service": "ecs", "operation": "RegisterTaskDefinition", "nth": 1, "action": "reset_after"}
    before = len(service.effects("ecs", "RegisterTaskDefinition"))
    service.faults(lost)
    with pytest.raises(Fault):
        register(image=an_image_of(4))
    record = register(image=an_image_of(4))
    assert described(service, record.arn)[0]["containerDefinitions"][0]["image"] == an_image_of(4)
    assert len(service.effects("ecs", "RegisterTaskDefinition")) == before + 1


THROTTLED = {"service": "ecs", "operation": "RegisterTaskDefinition", "action": "throttle"}


@pytest.fixture
def quick_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airdock.aws.turns.FIRST_SECONDS", 0.01)
    monkeypatch.setattr("airdock.aws.turns.SECONDS_APART", 0.01)


def throttled_since(ago: timedelta) -> FakeStore:
    """The store of a task that AWS has been throttling for so long."""
    since = (datetime.now(UTC) - ago).isoformat()
    return FakeStore({"waits_since": {"wait": ["registering", 0], "since": since}})


def test_what_is_throttled_again_and_again_is_registered_once_within_one_try(
    service: LocalAws, quick_turns: None
) -> None:
    service.faults(*({"id": f"{nth}", "nth": nth, **THROTTLED} for nth in (1, 2, 3)))
    before = len(service.effects("ecs", "RegisterTaskDefinition"))
    record = register(image=an_image_of(20))
    assert described(service, record.arn)[0]["containerDefinitions"][0]["image"] == an_image_of(20)
    assert len(service.effects("ecs", "RegisterTaskDefinition")) == before + 1


def test_a_throttled_read_waits_for_its_turn_as_well(service: LocalAws, quick_turns: None) -> None:
    reads = {"id": "reads", "service": "ecs", "operation": "ListTaskDefinitions", "action": "throttle"}
    service.faults(*({**reads, "id": f"{nth}", "nth": nth} for nth in range(1, 5)))
    assert register(image=an_image_of(21)).image == an_image_of(21)


def test_what_was_registered_while_the_turn_was_waited_for_is_not_registered_again(service: LocalAws) -> None:
    service.faults({"id": "once", "nth": 1, **THROTTLED})
    waiting, context = an_operator(image=an_image_of(22)), a_context("register")
    with pytest.raises(TaskDeferred) as deferred:
        waiting.execute(context)
    there = register(image=an_image_of(22), run_id="manual__2")
    before = len(service.effects("ecs", "RegisterTaskDefinition"))
    record = waiting.resume_execution(deferred.value.method_name, {"event": {"status": "turn"}}, context)
    assert record["arn"] == there.arn
    assert len(service.effects("ecs", "RegisterTaskDefinition")) == before


def test_no_revision_is_read_twice_however_often_aws_throttles(service: LocalAws, quick_turns: None) -> None:
    reads = {"id": "reads", "service": "ecs", "operation": "DescribeTaskDefinition", "action": "error", "nth": 1000}

    def reads_of_a_delivery(number: int, *throttled: int) -> int:
        service.faults(reads, *({"id": f"{nth}", "nth": nth, **THROTTLED} for nth in throttled))
        register(TASKDEF, an_image_of(number))
        return next(int(each["seen"]) for each in service.control("GET", "faults") if each["id"] == "reads")

    usual = reads_of_a_delivery(30)
    assert reads_of_a_delivery(31, 1, 2, 3) <= usual + 1


def test_the_longest_wait_is_counted_from_the_first_throttling(service: LocalAws) -> None:
    service.faults({"id": "always", "every": 1, **THROTTLED})
    store = throttled_since(timedelta(minutes=59))
    first = store.get("waits_since")["since"]
    with pytest.raises(TaskDeferred) as deferred:
        an_operator(image=an_image_of(23)).execute(a_context("register", store=store))
    arguments = deferred.value.trigger.serialize()[1]
    until = datetime.fromisoformat(first) + timedelta(minutes=60)
    assert (arguments["since"], arguments["deadline_at"]) == (first, until.isoformat())


def test_what_is_throttled_for_an_hour_is_a_fault_in_plain_words(service: LocalAws) -> None:
    service.faults({"id": "always", "every": 1, **THROTTLED})
    context = a_context("register", store=throttled_since(timedelta(minutes=61)))
    with pytest.raises(Fault, match="AWS has been throttling this task for 61 minutes: registering"):
        an_operator(image=an_image_of(24)).execute(context)
    assert context["ti"].xcoms["register", "faulted"] is True


def test_what_is_let_go_at_the_deadline_still_tries(service: LocalAws) -> None:
    context = a_context("register", store=throttled_since(timedelta(minutes=61)))
    record = an_operator(image=an_image_of(25)).resume(context, {"status": "deadline"})
    assert record["image"] == an_image_of(25)


def test_a_wait_for_a_turn_that_breaks_off_is_a_fault() -> None:
    with pytest.raises(Fault, match="broke off in the triggerer"):
        an_operator().resume_execution("__fail__", {"error": "Trigger failure"}, a_context("register"))


def test_a_run_that_is_cleared_after_going_live_still_knows_what_ran_before(service: LocalAws) -> None:
    store = FakeStore()
    first = register(image=an_image_of(5), store=store)
    ecs = service.client("ecs")
    ecs.update_service(cluster="demo", service="greeter", taskDefinition=first.arn)
    again = register(image=an_image_of(5), store=store, clear_number=1)
    ecs.update_service(cluster="demo", service="greeter", taskDefinition="greeter:1")
    assert (again.arn, again.previous_arn) == (first.arn, first.previous_arn)


def test_a_field_that_aws_does_not_know_is_refused_with_the_botocore_that_says_so() -> None:
    with pytest.raises(AirflowFailException, match=r"'warpDrive'.*botocore \d"):
        register({**TASKDEF, "warpDrive": True})


def test_what_describe_adds_is_left_out_of_a_pasted_definition(service: LocalAws) -> None:
    pasted = {**TASKDEF, "revision": 7, "status": "ACTIVE", "registeredBy": "you", "taskDefinitionArn": "arn:x:y/z:7"}
    record = register(pasted, image=an_image_of(6))
    assert record.arn.rpartition("/")[2].startswith("greeter-app:")


def test_a_nested_field_that_aws_does_not_know_is_refused_by_name() -> None:
    container = {**TASKDEF["containerDefinitions"][0], "warpCore": 1}
    with pytest.raises(AirflowFailException, match="warpCore"):
        register({**TASKDEF, "containerDefinitions": [container]})


def test_live_variables_are_dropped_or_kept_as_the_pipeline_says(service: LocalAws) -> None:
    def environment(variables: str, number: int) -> list[dict[str, str]]:
        origin = {"from": "repository", "variables": variables}
        definition, _ = described(service, register(TASKDEF, an_image_of(number), origin).arn)
        return list(definition["containerDefinitions"][0]["environment"])

    assert environment("replace", 10) == []
    assert environment("merge", 11) == [{"name": "EMPTY", "value": ""}]


def infrastructure_registers(service: LocalAws, **container: Any) -> str:
    """Another revision of the live family, as infrastructure code would register it."""
    made = service.client("ecs").register_task_definition(
        family="greeter",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "web", "image": "public.example/greeter:1", **container}],
    )
    return str(made["taskDefinition"]["taskDefinitionArn"])


def test_infrastructure_codes_newest_revision_is_the_base_even_when_airdock_has_registered_since(
    service: LocalAws,
) -> None:
    origin = {"from": "infrastructure", "parameter": "/greeter/image"}
    infrastructure_registers(service, environment=[{"name": "FLAG", "value": "on"}])
    live = register(image=an_image_of(7))
    released = register(image=an_image_of(8), origin=origin)
    again = register(image=an_image_of(8), origin=origin, run_id="manual__2")
    [container] = described(service, released.arn)[0]["containerDefinitions"]
    assert live.revision < released.revision == again.revision
    assert (container["image"], container["environment"]) == (an_image_of(8), [{"name": "FLAG", "value": "on"}])


def test_a_collision_with_another_registration_is_a_fault() -> None:
    from botocore.exceptions import ClientError

    from airdock.aws.hooks import Account
    from airdock.aws.task_definitions import register as register_now

    message = "Too many concurrent attempts to create a new revision of the specified family."
    error = {"Error": {"Code": "ClientException", "Message": message}}

    class Busy:
        def register_task_definition(self, **_: Any) -> None:
            raise ClientError(error, "RegisterTaskDefinition")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("airdock.aws.hooks._client", lambda *_: Busy())
        with pytest.raises(Fault, match="concurrent"):
            register_now(Account(), {"family": "greeter"})
