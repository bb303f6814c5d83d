"""Reading and writing .safetensors: an 8-byte length, a JSON header, the tensors' bytes."""
import json
import struct
from pathlib import Path

import numpy as np
import torch

DTYPES = {"F32": np.float32, "F16": np.float16}


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """All tensors as float32, and the metadata."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for key, entry in header.items():
        start, stop = (8 + length + offset for offset in entry["data_offsets"])
        values = np.frombuffer(data[start:stop], DTYPES[entry["dtype"]])
        tensors[key] = torch.from_numpy(values.astype(np.float32)).view(entry["shape"])
    return tensors, metadata


def write(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> int:
    """Writes all tensors as F16, in their order; returns the file's size in bytes."""
    header, offset = {"__metadata__": {"format": "pt", **metadata}}, 0
    for key, tensor in tensors.items():
        stop = offset + tensor.numel() * 2
        header[key] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [offset, stop]}
        offset = stop
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.detach().contiguous().to(torch.float16).numpy().tobytes())
    return 8 + len(text) + offset
