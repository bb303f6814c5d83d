"""One workflow by `requests` alone: its picture in one call, then once more without waiting.

/usr/bin/python3 examples/python/queue_prompt.py first.png
"""

import os
import sys
import time
import uuid

import requests

URL = os.environ.get("LOOM_URL", "http://127.0.0.1:8188")
PROMPTS = f"{URL}/api/v1/prompts"


def prompt(prefix):
    return {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 320, "height": 200, "batch_size": 1, "color": 0xE08A5B},
        },
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": prefix}},
    }


def post(body, **headers):
    """Sends until there is an answer; the key makes it one job, however often it is sent."""
    headers["Idempotency-Key"] = str(uuid.uuid4())
    for pause in (0.5, 1, 2, 4, None):
        try:
            answer = requests.post(PROMPTS, json=body, headers=headers, timeout=600)
            if answer.status_code not in (409, 429, 502, 503):
                answer.raise_for_status()
                return answer
        except requests.ConnectionError:
            if pause is None:
                raise
        time.sleep(pause or 0)
    raise SystemExit(f"{answer.status_code}: {answer.text}")


target = sys.argv[1] if len(sys.argv) > 1 else "first.png"
with open(target, "wb") as file:
    file.write(post(prompt("requests"), Accept="image/png").content)
print(target)

job_id = post(prompt("later"), Prefer="respond-async").json()["prompt_id"]
while (answer := requests.get(f"{PROMPTS}/{job_id}", timeout=30)).status_code == 204:
    time.sleep(float(answer.headers["Retry-After"]))
answer.raise_for_status()
print(answer.json()["3"]["images"][0]["filename"])
