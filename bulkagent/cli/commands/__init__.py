"""commands: part of bulkagent/cli."""
