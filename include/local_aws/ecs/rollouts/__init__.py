"""ECS's own deployments: service revisions, and the service deployments that bring them into service."""
