"""What breaks the API of a Python package."""
