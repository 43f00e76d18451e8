"""A dag file as many write one: a file for each service, with the operators of Airflow's Amazon provider in it."""

from __future__ import annotations

from airflow.providers.amazon.aws.operators.ecs import EcsRegisterTaskDefinitionOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("stock_APPLICATION", schedule=None, tags=["stock", "deliver"], default_args={"retries": 6}):
    begin = EmptyOperator(task_id="begin")
    steps = [EmptyOperator(task_id=name) for name in ("clone", "build", "scan", "hold", "deploy", "verify", "end")]
    register = EcsRegisterTaskDefinitionOperator(
        task_id="register", family="APPLICATION", container_definitions=[{"name": "web", "image": "web"}]
    )
    last = begin
    for step in [*steps[:4], register, *steps[4:]]:
        last >> step
        last = step
