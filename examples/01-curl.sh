#!/bin/sh
# One request: a workflow and its picture go in, the finished picture comes out.
#
#   sh examples/01-curl.sh first.png
set -eu
url=${LOOM_URL:-http://127.0.0.1:8188}
examples=$(dirname -- "$0")

curl --fail-with-body --silent --show-error "$url/api/v1/prompts" \
  --header 'Accept: image/png' \
  --form "prompt=<$examples/workflows/first.json" \
  --form "image=@$examples/input/hills.png" \
  --output "${1:-first.png}"
