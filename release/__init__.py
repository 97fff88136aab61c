"""Release a backend, a web frontend and a Python SDK from one Git repository."""
