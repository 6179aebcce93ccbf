"""The device that computes, and how exactly.

What belongs here: what torch is told about the machine. What does not: what is computed on it.
"""

import contextlib
from collections.abc import Iterator

import torch

from . import TrainingError


def pick(asked: str) -> tuple[torch.device, str]:
    """The device, and what to call it. What is asked for and cannot be had is an error."""
    there = torch.cuda.is_available()
    if asked == "cpu" or (asked == "auto" and not there):
        reason = "" if asked == "cpu" else ", no CUDA GPU being found"
        return torch.device("cpu"), f"cpu, threads {torch.get_num_threads()}{reason}"
    if asked not in ("auto", "cuda"):
        raise TrainingError(f"--device {asked!r}: want auto, cpu or cuda")
    if not there:
        raise TrainingError("--device cuda: torch finds no GPU; install NVIDIA's driver and a CUDA build of torch")
    return torch.device("cuda"), torch.cuda.get_device_name()


def set_tf32(on: bool):
    """Whether a GPU may round the factors of products to 10 bits."""
    matmul, conv = torch.backends.cuda.matmul, torch.backends.cudnn
    if hasattr(matmul, "fp32_precision"):  # since torch 2.9
        matmul.fp32_precision = conv.conv.fp32_precision = "tf32" if on else "ieee"
    else:
        matmul.allow_tf32 = conv.allow_tf32 = on


def tf32() -> bool:
    """What set_tf32 has set."""
    matmul = torch.backends.cuda.matmul
    return matmul.fp32_precision == "tf32" if hasattr(matmul, "fp32_precision") else matmul.allow_tf32


@contextlib.contextmanager
def in_bfloat16() -> Iterator[None]:
    """Products, and what lies between them, in bfloat16, of 8 bits, on the CPU; parameters and sums stay float32.

    It pays where the processor multiplies bfloat16 (AMX): a step of a ViT-S with adapters takes half as long. Attention
    goes without torch's fused kernel, which takes longer in bfloat16 than in float32: its products are small.
    """
    with torch.autocast("cpu", torch.bfloat16), torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        yield


@contextlib.contextmanager
def exactly() -> Iterator[None]:
    """Products in full float32, whatever has been set."""
    before = tf32()
    if not before:
        yield
        return
    set_tf32(False)
    try:
        yield
    finally:
        set_tf32(True)
