"""A lockstep peer that misbehaves in one way, then is as good as the one it wraps."""

import base64
import json
import os
import subprocess
import sys
import time

PROGRAM, MODE = sys.argv[1], sys.argv[2]
inner = subprocess.Popen([PROGRAM, "sim", "peer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(line):
    inner.stdin.write(line)
    inner.stdin.flush()
    return inner.stdout.readline()


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


secrets = []
runs = 0
spoiled = False
if MODE == "never-reads":
    time.sleep(60)
for line in sys.stdin:
    request = json.loads(line)
    if "bye" in request:
        break
    if "hello" in request:
        runs, spoiled = 0, "restart-erases-nothing" in request["hello"]["case"]
        answer = ask(line)
        if MODE == "floods-at-start" and spoiled:
            ready = json.loads(answer)
            ready["ready"]["out"] = [{"channel": "bolt", "value": True}] * 1001
            answer = json.dumps(ready) + "\n"
        if MODE == "echoes-secrets" and secrets:
            ready = json.loads(answer)
            ready["ready"]["firmware"] = "fw " + " ".join(secrets)
            answer = json.dumps(ready) + "\n"
        if MODE == "forges-words":
            ready = json.loads(answer)
            ready["ready"].update(serial="S1\u202e\npass all", firmware="\x1b[32mpass\x1b[0m")
            answer = json.dumps(ready) + "\n"
        say(answer)
        continue
    runs += 1
    for item in request["run"]["set"]:
        value = item["value"]
        if isinstance(value, dict) and "code" in value:
            secrets.append(value["code"])
            print("stderr has", value["code"], file=sys.stderr, flush=True)
    now, until = 0, request["run"]["until_ns"]
    bad = spoiled and runs == 5
    out = lambda items, at=until: say(json.dumps({"ran": {"now_ns": at, "out": items}}) + "\n")
    if bad and MODE == "goes-back-in-time":
        out([], 0)
    elif bad and MODE == "runs-too-far":
        out([], until + 1)
    elif bad and MODE == "stops-early":
        out([], until - 1)
    elif bad and MODE == "out-of-turn":
        answer = ask(line)
        say(answer + answer)
        time.sleep(0.2)
    elif bad and MODE == "hangs":
        time.sleep(60)
    elif bad and MODE == "dies":
        os._exit(7)
    elif bad and MODE == "floods":
        out([{"channel": "beeper", "value": n % 2 == 0} for n in range(1001)])
    elif bad and MODE == "long-line":
        say("{" + " " * (1 << 20) + "}\n")
    elif bad and MODE == "garbage":
        say("\x1b[2J<b>not json</b>\n")
    elif bad and MODE == "not-utf8":
        sys.stdout.buffer.write(b"\xff\xfe\n")
        sys.stdout.flush()
    elif bad and MODE == "unknown-channel":
        out([{"channel": "toaster", "value": 1}])
    elif bad and MODE == "wrong-value":
        out([{"channel": "bolt", "value": "ajar"}])
    elif bad and MODE == "sets-a-button":
        out([{"channel": "button.reset", "value": True}])
    elif bad and MODE == "asks":
        out([{"channel": "app", "value": {"request": 1, "op": "pair"}}])
    elif bad and MODE == "answers-unasked":
        out([{"channel": "app", "value": {"response": 4000, "ok": True}}])
    elif bad and MODE == "wrong-answer":
        say(json.dumps({"ready": {}}) + "\n")
    elif secrets and MODE == "names-a-secret":
        out([{"channel": "light.x" + secrets[0], "value": "red"}])
    elif secrets and MODE == "colours-a-secret":
        out([{"channel": "light.status", "value": secrets[0]}])
    elif secrets and MODE == "counts-a-secret":
        answer = json.loads(ask(line))
        for item in answer["ran"]["out"]:
            if isinstance(item["value"], dict) and "response" in item["value"]:
                item["value"]["codes"] = int(secrets[0])
        say(json.dumps(answer) + "\n")
    elif MODE == "counts-left":
        answer = json.loads(ask(line))
        for item in answer["ran"]["out"]:
            if isinstance(item["value"], dict) and item["value"].get("paired") is False:
                item["value"]["users"] = 3
        say(json.dumps(answer) + "\n")
    elif MODE == "forges-words":
        answer = json.loads(ask(line))
        for item in answer["ran"]["out"]:
            if isinstance(item["value"], dict) and "response" in item["value"]:
                why = "\x1b[32mno\x1b[0m\npass         everything\r\u202egnp"
                item["value"] = {"response": item["value"]["response"], "ok": False, "reason": "busy", "why": why}
        say(json.dumps(answer) + "\n")
    elif MODE == "says-markup" and runs % 9 == 1:
        answer = json.loads(ask(line))
        words = "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202egnp.\u2066\x00</script>"
        answer["ran"]["out"].append({"channel": "console", "value": words})
        answer["ran"]["now_ns"] = min(answer["ran"]["now_ns"], until)
        say(json.dumps(answer) + "\n")
    elif MODE == "echoes-secrets" and secrets and runs % 4 == 0:
        answer = json.loads(ask(line))
        told = [secret.encode() for secret in secrets[:2]]
        words = ["I know " + " ".join(secrets)]
        # Cut at 4096 bytes: seven of the eight digits are left, or the last seven begin the next piece.
        words += ["." * (4096 - 7) + secret for secret in secrets[:2]]
        print("." * (4096 - 7) + secrets[0], file=sys.stderr, flush=True)
        print("." * (4096 - 1) + secrets[0], file=sys.stderr, flush=True)
        words += [base64.b64encode(b"x" * n + code + b"y").decode() for code in told for n in range(3)]
        words += [code.hex() for code in told] + ["-".join(secret) for secret in secrets[:2]]
        words += list(secrets[0])
        answer["ran"]["out"] += [{"channel": "console", "value": text} for text in words]
        if answer["ran"]["out"]:
            answer["ran"]["now_ns"] = min(answer["ran"]["now_ns"], until)
        say(json.dumps(answer) + "\n")
    else:
        say(ask(line))
inner.kill()
