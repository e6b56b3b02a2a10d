"""handover: part of bulkagent/run."""
