"""Counts primes. Its iterations are long, so it also says how it stands inside of one, and a restart goes on there."""
import json
import math
import sys

job = json.loads(sys.stdin.readline())
p = job["parameters"]
span, last = int(p["span"]), int(p["iterations"])
primes = job.get("state") or 0
step = job.get("step")


def is_prime(n):
    return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))


for i in range(job["resume_after"] + 1, last + 1):
    n, found = (i - 1) * span, 0
    if step:
        n, found = step
        print("going on inside iteration", i, "at", n, file=sys.stderr)
        step = None
    while n < i * span:
        found += is_prime(n)
        n += 1
        if n % 1000 == 0 and n < i * span:
            print(json.dumps({"step": {"state": [n, found]}}), flush=True)
    primes += found
    print(json.dumps({"iteration": i, "total": last, "values": {"primes": primes}, "state": primes}), flush=True)
