"""The bare loop on the event loop that bulkagent uses: what its other choices cost."""

import asyncio
import sys
from pathlib import Path

import aiofastnet
from bare_loop import send_all

if __name__ == "__main__":
    with asyncio.Runner(loop_factory=aiofastnet.loop_factory()) as runner:
        print(*runner.run(send_all(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
