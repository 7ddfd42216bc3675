#!/bin/sh
# The logistic map in a shell: sed reads the job line, awk computes and prints.
read -r job
number() { printf '%s\n' "$job" | sed -n "s/.*\"$1\":\"\{0,1\}\([-+0-9.eE]*\).*/\1/p"; }

x=$(number state)
awk -v r="$(number r)" -v x="${x:-$(number x0)}" -v first="$(number resume_after)" -v last="$(number iterations)" '
BEGIN {
    for (i = first + 1; i <= last; i++) {
        x = r * x * (1 - x)
        printf "{\"iteration\":%d,\"total\":%d,\"values\":{\"x\":%.17g},\"state\":\"%.17g\"}\n", i, last, x, x
        fflush()
    }
}'
