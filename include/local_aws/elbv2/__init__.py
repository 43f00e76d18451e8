"""Elastic Load Balancing: application load balancers that really balance, on ports of this host."""

from local_aws.elbv2.balancer import resume
from local_aws.elbv2.response import ELBV2Response
from local_aws.service import Service

SERVICE = Service(name="elasticloadbalancing", response=ELBV2Response, start=resume)
