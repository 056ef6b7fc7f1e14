"""Optional: the same reader in many processes and on many machines, with Ray.

serving.py: replicas of the reader on Ray Serve
pictures.py: read many files with Ray Data
"""

import sys

INSTALL_RAY = "python -m pip install -r deploy/requirements-ray.txt"


def require_ray(option: str) -> None:
    """Exit with the command that installs Ray if it is missing."""
    try:
        import ray.serve  # noqa: F401
    except ImportError:
        sys.exit(f"{option} ray needs Ray: {INSTALL_RAY}")
