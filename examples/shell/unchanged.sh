#!/bin/sh
# A program that knows nothing of kymo. The pattern in kymo.toml reads its ordinary output.
echo "molecular dynamics 1.0, 4 atoms"
for step in 0 1 2 3; do
    echo "step $step/3  energy -$((100 + step)).5 kJ/mol  temperature 30$step K"
done
echo "done"
