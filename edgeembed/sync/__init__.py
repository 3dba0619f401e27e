"""A folder to changed files: walk, ignore rules, plan and run."""
