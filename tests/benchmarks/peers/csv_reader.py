"""How long reading a CSV file takes at the least: the seconds of it alone."""

import csv
import sys
import time

if __name__ == "__main__":
    began = time.perf_counter()
    with open(sys.argv[1], newline="", encoding="utf-8") as file:  # noqa: PTH123
        for _ in csv.reader(file):
            pass
    print(time.perf_counter() - began)
