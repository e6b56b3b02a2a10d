"""How long writing the rows of a CSV file takes at the least: the seconds of it alone."""

import csv
import sys
import time

CHUNK = 10_000

if __name__ == "__main__":
    took_s = 0.0
    with (
        open(sys.argv[1], newline="", encoding="utf-8") as file,  # noqa: PTH123
        open(sys.argv[2], "w", newline="", encoding="utf-8") as out,  # noqa: PTH123
    ):
        rows, writer = csv.reader(file), csv.writer(out)
        while chunk := [row for row, _ in zip(rows, range(CHUNK), strict=False)]:
            began = time.perf_counter()
            for row in chunk:
                writer.writerow(row)
            took_s += time.perf_counter() - began
    print(took_s)
