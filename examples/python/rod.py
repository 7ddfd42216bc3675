"""Heat spreads along a rod. Each record holds a whole profile; any JSON may be the state."""
import json
import math
import sys

job = json.loads(sys.stdin.readline())
p = job["parameters"]
n = int(p["nodes"])
u = job.get("state") or [math.sin(math.pi * j / (n - 1)) ** 20 for j in range(n)]

print("rod: going on after iteration", job["resume_after"], file=sys.stderr)
for i in range(job["resume_after"] + 1, int(p["iterations"]) + 1):
    for _ in range(10):
        u = [0.0] + [u[j] + 0.4 * (u[j - 1] - 2 * u[j] + u[j + 1]) for j in range(1, n - 1)] + [0.0]
    print(json.dumps({
        "iteration": i,
        "total": int(p["iterations"]),
        "axes": {"x": {"start": 0, "step": 1 / (n - 1), "count": n, "unit": "m"}},
        "values": {"u": u, "warmest": max(u)},
        "state": u,
    }))
