"""A stand-in for the docker command on machines without an engine: enough to build COPY-only images and push them."""
