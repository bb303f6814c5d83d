"""Nothing but Python's own library: hand a prompt in, ask until it is done, fetch the picture.

python3 examples/03-python.py first.png
"""

import json
import os
import sys
import time
import urllib.request

URL = os.environ.get("LOOM_URL", "http://127.0.0.1:8188")

prompt = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 320, "height": 200, "batch_size": 1, "color": 0xE08A5B},
    },
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "python"}},
}

request = urllib.request.Request(
    f"{URL}/api/v1/prompts",
    data=json.dumps(prompt).encode(),
    headers={"Content-Type": "application/json", "Prefer": "respond-async"},
)
with urllib.request.urlopen(request) as response:
    job_id = json.load(response)["prompt_id"]

while True:
    with urllib.request.urlopen(f"{URL}/api/v1/jobs/{job_id}") as response:
        job = json.load(response)
    if job["state"] not in ("pending", "running"):
        break
    time.sleep(0.1)
if job["state"] != "succeeded":
    sys.exit(f"the job {job['state']}: {job['error']['message']}")

picture = job["outputs"]["3"]["images"][0]
query = f"filename={picture['filename']}&subfolder={picture['subfolder']}&type={picture['type']}"
target = sys.argv[1] if len(sys.argv) > 1 else picture["filename"]
urllib.request.urlretrieve(f"{URL}/view?{query}", target)
print(target)
