"""Looking after an index and its models: status, verify, repair, compact, check of a bundle."""
