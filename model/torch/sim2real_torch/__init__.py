"""Trains sim2reald's adapters on frozen timm models, and whole models, in PyTorch, where there is a GPU.

What belongs here: the same adapters, head, data and loss as in the daemon's own training, and the one file that
`sim2reald bundle import` takes. What does not: anything that runs on the robot. The daemon never loads Python; its
`sim2reald train -trainer torch` runs this package as a child process.

    pip install --require-hashes --no-deps -r requirements.lock && pip install --no-deps .
    python -m sim2real_torch train --data DIR --base FILE.safetensors --adapters bottom,middle,norms --out FILE
    sim2reald bundle import -base FILE.safetensors -out BUNDLE FILE

The base's record beside it, FILE.json, says the architecture (`sim2reald base add` writes one); --arch names another,
or a model of timm's.

Modules: tensorfile (safetensors and their digest), demonstrations (the dataset folder), pictures (pixels as the
robot prepares them), saving (the file), which need no torch; backbones (timm models by architecture), adapters (what
is trained inside them), full (a whole one that learns), policy (the whole network), examples (rows of observations and
labels), eyes (pictures on a device), machine (the device), training (the loop), run (one training from folder to file),
pretrain (a small base of pictures alone), step (the stopwatch of one training step).
"""

__version__ = "0.1.0"


class TrainingError(Exception):
    """What cannot be done, in one line that names the thing, the value and the remedy."""
