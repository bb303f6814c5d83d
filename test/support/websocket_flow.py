"""The way of ComfyUI's websocket example: post, listen until the prompt's end, read history, fetch the pictures.

Usage: websocket_flow.py HOST:PORT PROMPT_JSON. Prints one JSON object.
"""

import json
import sys
import urllib.parse
import urllib.request
import uuid

import websocket

server, prompt = sys.argv[1], json.loads(sys.argv[2])
client_id = str(uuid.uuid4())


def fetch(path, data=None):
    # urllib calls the body a form, as the example does.
    with urllib.request.urlopen(f"http://{server}{path}", data=data) as answer:
        return answer.read()


socket = websocket.WebSocket()
socket.connect(f"ws://{server}/ws?clientId={client_id}", timeout=60)
body = json.dumps({"prompt": prompt, "client_id": client_id}).encode()
prompt_id = json.loads(fetch("/prompt", body))["prompt_id"]

previews, node, last_node = 0, None, None
while True:
    message = socket.recv()
    if not isinstance(message, str):
        # Four bytes say that it is a preview, four more of which format; it belongs to the node named last.
        previews += 1
        last_node = node
        continue
    message = json.loads(message)
    if message["type"] != "executing" or message["data"].get("prompt_id") != prompt_id:
        continue
    node = message["data"]["node"]
    if node is None:
        break
socket.close()

history = json.loads(fetch(f"/history/{prompt_id}"))[prompt_id]
pictures = []
for output in history["outputs"].values():
    for picture in output.get("images", []):
        # The example leaves the subfolder's empty value in.
        pictures.append(fetch("/view?" + urllib.parse.urlencode(picture)))
print(
    json.dumps(
        {
            "status": history["status"]["status_str"],
            "previews": previews,
            "previewed_node": last_node,
            "pictures": [[picture[:4].hex(), len(picture)] for picture in pictures],
        }
    )
)
