"""One's own repository in the sandbox: copied, met by the real world's rules, and what its release came to."""
