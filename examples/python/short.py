"""The short form: no numbers, no job line, nothing but results. It cannot be resumed."""
import json

loss = 1.0
for epoch in range(5):
    loss *= 0.7
    print("epoch", epoch)  # ordinary output is kept, too
    print(json.dumps({"loss": loss, "gradient": float("nan") if epoch == 0 else loss / 2}))
