"""A walk whose every step depends on all earlier ones: the external solver under fire."""
import json
import sys
import time

job = json.loads(sys.stdin.readline())
p = job["parameters"]
total = int(p["iterations"])
state = job.get("state") or {"x": 0.25, "seed": 1}

for i in range(job["resume_after"] + 1, total + 1):
    seed = (state["seed"] * 6364136223846793005 + 1442695040888963407) % 2**64
    state = {"x": 3.9 * state["x"] * (1 - state["x"]) + seed / 2**80, "seed": seed}
    print("step", i)
    print(json.dumps({"iteration": i, "total": total, "values": {"x": state["x"]}, "state": state}), flush=True)
    time.sleep(p["pause"])
