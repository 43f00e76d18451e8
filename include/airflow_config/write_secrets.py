"""Writes the secrets of docker-compose.yaml into a folder, one file each; those that exist are kept.

    python3 include/airflow_config/write_secrets.py secrets

Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
from pathlib import Path


def made() -> dict[str, str]:
    """Fresh secrets by the name of their file."""
    return {
        "postgres_password": secrets.token_hex(16),
        "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "api_secret_key": secrets.token_hex(32),
        "jwt_secret": secrets.token_hex(32),
        "admin_passwords.json": json.dumps({"admin": secrets.token_urlsafe(12)}),
    }


def write(folder: Path) -> None:
    """Write what is missing. The folder is closed to others; the files in it are read by the containers' user."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, secret in made().items():
        file = folder / name
        if not file.exists():
            file.write_text(secret)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
