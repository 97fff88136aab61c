"""What the API answers, one file a resource: each reads the state and answers; rules are judged elsewhere."""
