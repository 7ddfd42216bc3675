"""The logistic map, x -> r x (1 - x): the shortest solver that can be resumed."""
import json
import sys

job = json.loads(sys.stdin.readline())
p = job["parameters"]
x = float(job["state"]) if job.get("state") else p["x0"]

for i in range(job["resume_after"] + 1, int(p["iterations"]) + 1):
    x = p["r"] * x * (1 - x)
    print(json.dumps({"iteration": i, "total": int(p["iterations"]), "values": {"x": x}, "state": repr(x)}), flush=True)
