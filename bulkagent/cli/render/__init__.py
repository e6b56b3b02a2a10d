"""render: part of bulkagent/cli."""
