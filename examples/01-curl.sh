#!/bin/sh
# One request: a workflow goes in, the finished picture comes out. The model comes with Rabbitloom.
#
#   sh examples/01-curl.sh shapes.png
set -eu
url=${LOOM_URL:-http://127.0.0.1:8188}
examples=$(dirname -- "$0")

curl --fail-with-body --silent --show-error "$url/api/v1/prompts" \
  --header 'Accept: image/png' \
  --form "prompt=<$examples/workflows/text-to-image.json" \
  --output "${1:-shapes.png}"
