"""One `inv` call: its tasks, what they share, what they write, print and wait for."""
