"""Writes python.safetensors: every dtype that the reader understands, as the Python library saves it.

    pip install torch safetensors==0.8.0 && python generate.py

That library chooses the tensors' order and the header's padding. Also f8.safetensors, of a dtype that the reader
refuses.
"""

import pathlib

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
FLOATS = [[1.5, -2.0, 0.0], [0.25, 3.0, -0.5]]
WHOLE = [[1, 2], [3, 100]]
dtypes = {
    "f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32, "f64": torch.float64, "u8": torch.uint8,
    "i8": torch.int8, "u16": torch.uint16, "i16": torch.int16, "u32": torch.uint32, "i32": torch.int32,
    "u64": torch.uint64, "i64": torch.int64,
}  # fmt: skip
tensors = {name: torch.tensor(WHOLE if "f" not in name else FLOATS, dtype=d) for name, d in dtypes.items()}
tensors["bool"] = torch.tensor([True, False, True])
tensors["scalar"] = torch.tensor(2.5)
tensors["nothing"] = torch.zeros(0, 3)
tensors['a "name"\nof ünusual letters'] = torch.tensor([1.0])
save_file(tensors, HERE / "python.safetensors", {"format": 'pt "é"\n'})
save_file({"a": torch.zeros(2, dtype=torch.float8_e4m3fn)}, HERE / "f8.safetensors")
