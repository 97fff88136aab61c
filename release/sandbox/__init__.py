"""The embedded default: a small monorepo, its GitHub and its cloud, on loopback only."""
