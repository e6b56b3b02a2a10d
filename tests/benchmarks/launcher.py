"""Runs a command and writes what it cost: a parent too small to be seen in the figures.

    python -I -S launcher.py RESULT COMMAND...

Linux counts the memory of a parent as its child's own peak, as long as that is the larger of the
two. So the benchmark, which holds reports and tables, does not start it.
"""

import os
import sys
import time

if __name__ == "__main__":
    result, command = sys.argv[1], sys.argv[2:]
    began = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(pid, 0)
    wall_s = time.perf_counter() - began
    with open(result, "w", encoding="utf-8") as out:  # noqa: PTH123 - pathlib is 2 MB
        out.write(f"{wall_s} {used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}")
    sys.exit(os.waitstatus_to_exitcode(status))
