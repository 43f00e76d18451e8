"""Elastic Load Balancing: moto's control plane, and a real HTTP balancer behind it."""

from local_aws.elbv2.engine import start
from local_aws.elbv2.response import ElbResponse
from local_aws.service import Service

SERVICE = Service(name="elasticloadbalancing", response=ElbResponse, start=start)
