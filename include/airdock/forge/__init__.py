"""HTTP to the forges that keep the code, and nowhere else: statuses of commits, deployments."""
