"""HTTP in: what runs inside Airflow's api-server."""
