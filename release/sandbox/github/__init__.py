"""The sandbox's GitHub: its API, its Git over HTTP, and what a push, a dispatch or a merge sets going."""
