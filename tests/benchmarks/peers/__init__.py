"""What people would use instead, each as a command of its own.

    python FILE ROSTER CA_FILE CONCURRENCY NAME=URL...

What may live here: the script as a page of documentation would have it, and one line about what
it did. What this room must not know: bulkagent. Each file runs by itself, so
that a process has paid for no import but its own.
"""
