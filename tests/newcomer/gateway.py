"""Speaks for app, hub and card reader of the lock on the desk; here it knows nobody and refuses."""
import json
import sys

for line in sys.stdin:
    asked = json.loads(line)
    answer = {"response": asked["value"]["request"], "ok": False, "reason": "no_target"}
    print(json.dumps({"channel": asked["channel"], "value": answer}), flush=True)
