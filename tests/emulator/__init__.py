"""Tests of the emulated gateway, which share no code with those of bulkagent's own client."""
