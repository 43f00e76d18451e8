"""The demonstration: a local AWS, a real Airflow, and three deliveries on this machine."""
