"""What sim2reald is measured against, one process for each contender.

A line of JSON in asks, a line of JSON out answers: see handle. Libraries are imported when a job needs them, so
that a contender carries nothing that it does not use. Timing is around the library's own call, no more.

    python peers.py <<<'{"do": "load", "kind": "eager", ...}'
"""

import json
import os
import sys
import time
from pathlib import Path


def claim_stdout():
    """The answers' own stream. Whatever a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return answers


class Peer:
    """One loaded contender: a call that computes, and what it computed last."""

    def __init__(self):
        self.call = None
        self.last = None

    def handle(self, job):
        """Answers one job."""
        match job["do"]:
            case "weights":
                write_weights(job)
                return {}
            case "export":
                export(job)
                return {}
            case "load":
                self.call, says = LOADERS[job["kind"]](job)
                return {"says": says}
            case "run":
                return {"ns": [self.run() for _ in range(job["times"])]}
            case "output":
                return {"values": [float(v) for v in self.last.reshape(-1)]}
        raise ValueError(f"job {job['do']!r} is unknown")

    def run(self):
        """One run's time in nanoseconds."""
        start = time.perf_counter_ns()
        self.last = self.call()
        return time.perf_counter_ns() - start


def write_weights(job):
    """Writes random weights for timm's model of that name, the same for the same seed.

    timm's own first values would not do: a skip gain or a layer scale of zero hides every mistake behind it.
    """
    import numpy as np
    import timm
    from safetensors.numpy import save_file

    rng = np.random.default_rng(job["seed"])
    state = timm.create_model(job["backbone"], num_classes=0).state_dict()
    values = {n: draw(rng, n, tuple(t.shape)) for n, t in sorted(state.items()) if t.is_floating_point()}
    save_file(values, job["weights"])


def draw(rng, name, shape):
    """Values that keep activations near unit size through a deep network."""
    import numpy as np

    noise = rng.standard_normal(shape)
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "running_var":
        value = rng.uniform(0.5, 1.5, shape)
    elif leaf in ("gain", "skipinit_gain", "gamma") or (leaf == "weight" and len(shape) == 1):
        value = 1 + 0.1 * noise
    elif len(shape) < 2:
        value = 0.1 * noise
    else:
        value = noise / np.sqrt(max(1, np.prod(shape[1:])))
    return np.asarray(value, np.float32)


def timm_model(job):
    """timm's model with the weights, for pictures of that side, giving its pooled feature."""
    import timm
    import torch
    from safetensors.torch import load_file
    from timm.layers import resample_abs_pos_embed

    torch.set_num_threads(job["threads"])
    torch.set_num_interop_threads(1)
    state = load_file(job["weights"])
    sized = {"img_size": job["side"]} if "pos_embed" in state else {}
    model = timm.create_model(job["backbone"], num_classes=0, **sized).eval()
    if sized:
        state["pos_embed"] = resample_abs_pos_embed(
            state["pos_embed"], model.patch_embed.grid_size, num_prefix_tokens=model.num_prefix_tokens
        )
    missing, unexpected = model.load_state_dict(state, strict=False)
    wrong = [n for n in missing if not n.endswith("num_batches_tracked")] + unexpected
    if wrong:
        raise ValueError(f"{job['weights']} does not fit {job['backbone']}: {wrong[:3]}")
    return model


def export(job):
    """Writes the ONNX model that PyTorch makes of timm's."""
    import torch

    torch.onnx.export(timm_model(job), (torch.from_numpy(picture(job)),), job["onnx"], dynamo=True)


def picture(job):
    """The one picture that all see: a file of float32, channel by channel."""
    import numpy as np

    return np.fromfile(job["input"], "<f4").reshape(1, 3, job["side"], job["side"])


def load_onnxruntime(job):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(job["onnx"], options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: picture(job)}
    says = f"onnxruntime {onnxruntime.__version__} of PyTorch's export, spinning as by default"
    return lambda: session.run(None, feed)[0], says


def load_eager(job):
    import torch

    model, image = timm_model(job), torch.from_numpy(picture(job))

    @torch.inference_mode()
    def call():
        return model(image)

    return call, f"torch {torch.__version__}, inference mode"


def load_eager_cuda(job):
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    model, image = timm_model(job).cuda(), torch.from_numpy(picture(job))

    @torch.inference_mode()
    def call():
        return model(image.cuda()).cpu()

    return call, f"torch {torch.__version__} on {torch.cuda.get_device_name()}, TF32 off, inference mode"


def load_compile(job):
    import torch

    model, image = torch.compile(timm_model(job)), torch.from_numpy(picture(job))

    @torch.inference_mode()
    def call():
        return model(image)

    call()
    return call, f"torch {torch.__version__}, compiled as by default"


LOADERS = {
    "onnxruntime": load_onnxruntime,
    "eager": load_eager,
    "eager-cuda": load_eager_cuda,
    "compile": load_compile,
}


def serve(questions, answers):
    """Answers until the questions end. A job that fails is answered with its error, in one line."""
    peer = Peer()
    for line in questions:
        try:
            answer = peer.handle(json.loads(line))
        except Exception as error:  # noqa: BLE001 whatever a library raises is its answer
            answer = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:2000]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    # A contender alone: what lies beside this file is not to be imported by chance.
    sys.path[:] = [p for p in sys.path if Path(p).resolve() != Path(__file__).resolve().parent]
    serve(sys.stdin, claim_stdout())
