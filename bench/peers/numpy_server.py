"""Times NumPy expressions for the bench: one JSON request a line, one reply.

request: {"setup": code, "run": expression, "calls": n, "rounds": n}
reply:   {"ns": best nanoseconds of one call, "sum": sum of the result}
"""
import json
import sys
import time

import numpy as np

for line in sys.stdin:
    request = json.loads(line)
    scope = {"np": np}
    exec(request["setup"], scope)
    run = eval("lambda: " + request["run"], scope)
    total = float(np.sum(np.asarray(run(), dtype=np.complex128)).real)
    best = float("inf")
    for _ in range(request["rounds"]):
        start = time.perf_counter_ns()
        for _ in range(request["calls"]):
            run()
        best = min(best, (time.perf_counter_ns() - start) / request["calls"])
    print(json.dumps({"ns": best, "sum": total, "version": np.__version__}), flush=True)
