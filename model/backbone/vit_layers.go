package backbone

import (
	"fmt"

	"sim2reald/model/graph"
)

// layers carries what the parts of one transformer share while it is built.
type layers struct {
	*graph.Builder
	arch    *ViT
	prefix  string
	adapter Adapter
}

// Build adds the transformer, see Arch.
func (v *ViT) Build(b *graph.Builder, prefix string, image *graph.Node, adapter Adapter) Outputs {
	l := &layers{Builder: b, arch: v, prefix: prefix, adapter: adapter}
	x := l.embed(image)
	if v.PreNorm {
		x = l.norm("norm_pre", x)
	}
	for i := range v.Depth {
		x = l.block(i, x)
	}
	if v.Pool == "avg" {
		return l.poolMean(x)
	}
	return l.poolClass(x)
}

// embed makes tokens of a picture: class, registers, then patches row by row.
func (l *layers) embed(image *graph.Node) *graph.Node {
	v := l.arch
	var bias *graph.Param
	if !v.PreNorm {
		bias = l.Frozen("patch_embed.proj.bias", v.Width)
	}
	weight := l.Frozen("patch_embed.proj.weight", v.Width, 3, v.PatchSize, v.PatchSize)
	if l.adapter != nil {
		l.adapter.Bottom(l.Builder, "patch_embed.proj", weight, bias)
	}
	x := l.PatchEmbed(l.prefix+"patch_embed", image, weight, bias, v.PatchSize)
	class := l.Frozen("cls_token", 1, 1, v.Width)
	if v.RegisterTokens > 0 {
		x = l.Prepend(l.prefix+"reg_token_prepended", x, l.Frozen("reg_token", 1, v.RegisterTokens, v.Width))
	}
	x = l.Prepend(l.prefix+"cls_token_prepended", x, class)
	return l.Position(l.prefix+"position", x, l.position(image))
}

// position declares the position embedding for this picture: the base's own, or one derived from it.
func (l *layers) position(image *graph.Node) *graph.Param {
	v := l.arch
	if l.Err() != nil || image == nil || len(image.Shape) != 3 {
		return nil // PatchEmbed has refused the picture
	}
	rows, cols := image.Shape[1]/v.PatchSize, image.Shape[2]/v.PatchSize
	return l.Frozen(v.positionName(rows, cols), 1, v.prefixTokens()+rows*cols, v.Width)
}

// positionName tells a derived embedding from the base's own.
func (v *ViT) positionName(rows, cols int) string {
	if rows == v.grid() && cols == v.grid() && v.RegisterTokens == 0 {
		return positionTensor
	}
	return fmt.Sprintf("%s@%dx%d", positionTensor, rows, cols)
}

// block is one transformer block: attention and MLP, each normalised before and added to what came in.
func (l *layers) block(index int, x *graph.Node) *graph.Node {
	v, name := l.arch, fmt.Sprintf("blocks.%d", index)
	y := l.norm(name+".norm1", x)
	y = l.linear(name+".attn.qkv", y, v.Width, 3*v.Width)
	y = l.Attention(l.prefix+name+".attn", y, v.Heads)
	y = l.linear(name+".attn.proj", y, v.Width, v.Width)
	y = l.middle(index, name+".attn", l.scale(name+".ls1", y))
	x = l.Add(l.prefix+name+".add1", x, y)

	y = l.norm(name+".norm2", x)
	y = l.linear(name+".mlp.fc1", y, v.Width, v.hidden())
	y = l.Activate(l.prefix+name+".mlp.act", v.activation(), y)
	y = l.linear(name+".mlp.fc2", y, v.hidden(), v.Width)
	y = l.middle(index, name+".mlp", l.scale(name+".ls2", y))
	return l.Add(l.prefix+name+".add2", x, y)
}

// middle offers the end of a branch to the adapter.
func (l *layers) middle(block int, name string, x *graph.Node) *graph.Node {
	if l.adapter == nil {
		return x
	}
	return l.adapter.Middle(l.Builder, Branch{Block: block, Name: name, Prefix: l.prefix}, x)
}

func (v *ViT) activation() graph.Op {
	if v.Activation == "quick_gelu" {
		return graph.QuickGELU
	}
	return graph.GELU
}

// poolClass norms every token; the pooled feature is the class token.
func (l *layers) poolClass(x *graph.Node) Outputs {
	x = l.norm("norm", x)
	class := l.Token(l.prefix+"class", x, 0)
	features := l.Concat(l.prefix+"features", class, l.patchMean(x))
	return Outputs{Unpooled: x, Pooled: class, Features: features}
}

// poolMean norms the mean of the patch tokens (timm's fc_norm). The class token of the policy's features
// passes the same norm: without it the two halves would differ in scale.
func (l *layers) poolMean(x *graph.Node) Outputs {
	pooled := l.norm("fc_norm", l.patchMean(x))
	w, b := l.normParams("fc_norm")
	class := l.LayerNorm(l.prefix+"class_norm", l.Token(l.prefix+"class", x, 0), w, b, l.arch.NormEpsilon)
	features := l.Concat(l.prefix+"features", class, pooled)
	return Outputs{Unpooled: x, Pooled: pooled, Features: features}
}

// patchMean averages the patch tokens, leaving out class and registers.
func (l *layers) patchMean(x *graph.Node) *graph.Node {
	if l.Err() != nil {
		return x
	}
	patches := l.Tokens(l.prefix+"patches", x, l.arch.prefixTokens(), x.Shape[0])
	return l.MeanTokens(l.prefix+"patch_mean", patches)
}

func (l *layers) norm(name string, x *graph.Node) *graph.Node {
	w, b := l.normParams(name)
	return l.LayerNorm(l.prefix+name, x, w, b, l.arch.NormEpsilon)
}

// normParams declares scale and offset of a norm and offers them to the adapter.
func (l *layers) normParams(name string) (scale, offset *graph.Param) {
	scale, offset = l.Frozen(name+".weight", l.arch.Width), l.Frozen(name+".bias", l.arch.Width)
	if l.adapter != nil {
		l.adapter.Norm(l.Builder, name, scale, offset)
	}
	return scale, offset
}

func (l *layers) linear(name string, x *graph.Node, in, out int) *graph.Node {
	w, b := l.Frozen(name+".weight", out, in), l.Frozen(name+".bias", out)
	return l.Linear(l.prefix+name, x, w, b)
}

func (l *layers) scale(name string, x *graph.Node) *graph.Node {
	if !l.arch.LayerScale {
		return x
	}
	return l.Scale(l.prefix+name, x, l.Frozen(name+".gamma", l.arch.Width))
}
