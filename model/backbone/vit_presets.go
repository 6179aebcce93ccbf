package backbone

import "fmt"

// vitPresets are architectures by timm's names, those that a record can say.
func vitPresets() map[string]Arch {
	out := map[string]Arch{}
	for _, group := range vitGroups() {
		for _, p := range group.pictures {
			v := group.of
			v.FamilyName, v.PatchSize, v.ImageSize = familyViT, p.patch, p.side
			name := fmt.Sprintf("%s_patch%d_%s", group.name, p.patch, group.kind)
			if group.sided {
				name = fmt.Sprintf("%s_patch%d_%s%d", group.name, p.patch, group.kind, p.side)
			}
			out[name] = &v
		}
	}
	return out
}

// vitGroup are presets that differ in patch and picture alone, named NAME_patchPATCH_KIND and, where sided, the
// side of the picture behind it.
type vitGroup struct {
	name, kind string
	sided      bool
	of         ViT
	pictures   []picture
}

// picture has so many pixels along each side, in patches of so many.
type picture struct{ patch, side int }

// vitSize is a transformer of the given size as it was first published.
func vitSize(width, depth, heads int, ratio float64) ViT {
	return ViT{Width: width, Depth: depth, Heads: heads, MLPRatio: ratio, Pool: "token", Activation: "gelu", NormEpsilon: 1e-6}
}

func vitSizes() map[string]ViT {
	return map[string]ViT{
		"tiny":     vitSize(192, 12, 3, 4),
		"xsmall":   vitSize(256, 10, 4, 4),
		"small":    vitSize(384, 12, 6, 4),
		"medium":   vitSize(512, 12, 8, 4),
		"betwixt":  vitSize(640, 12, 10, 4),
		"base":     vitSize(768, 12, 12, 4),
		"plus":     vitSize(896, 12, 14, 4),
		"large":    vitSize(1024, 24, 16, 4),
		"so400m":   vitSize(1152, 27, 16, 4304.0/1152),
		"huge":     vitSize(1280, 32, 16, 4),
		"giant":    vitSize(1408, 40, 16, 48.0/11),
		"gigantic": vitSize(1664, 48, 16, 64.0/13),
	}
}

func vitGroups() []vitGroup {
	sizes := vitSizes()
	var out []vitGroup
	plain := func(family string, pictures map[string][]picture, change func(v *ViT)) {
		for size, p := range pictures {
			v := sizes[size]
			change(&v)
			out = append(out, vitGroup{family + "_" + size, "", true, v, p})
		}
	}
	kind := func(name, kind, size string, sided bool, change func(v *ViT), pictures ...picture) {
		v := sizes[size]
		change(&v)
		out = append(out, vitGroup{name, kind, sided, v, pictures})
	}
	plain("vit", vitPictures(), func(*ViT) {})
	plain("deit", map[string][]picture{"tiny": {{16, 224}}, "small": {{16, 224}}, "base": {{16, 224}, {16, 384}}}, func(*ViT) {})
	plain("deit3", map[string][]picture{"small": {{16, 224}, {16, 384}}, "medium": {{16, 224}}, "base": {{16, 224}, {16, 384}},
		"large": {{16, 224}, {16, 384}}, "huge": {{14, 224}}}, scaled)
	plain("eva", map[string][]picture{"large": {{14, 196}, {14, 336}}}, func(v *ViT) { v.Pool = "avg" })
	kind("vit_base", "plus_", "plus", true, scaled, picture{16, 240}, picture{32, 256})
	kind("vit_base", "plus_clip_", "plus", true, clip, picture{16, 240})
	for size, p := range clipPictures() {
		kind("vit_"+size, "clip_", size, true, clip, p...)
	}
	for size, p := range quickPictures() {
		kind("vit_"+size, "clip_quickgelu_", size, true, quick, p...)
	}
	for _, size := range []string{"small", "base", "large"} {
		kind("vit_"+size, "dinov2", size, false, scaled, picture{14, 518})
		kind("vit_"+size, "reg4_dinov2", size, false, registers(4), picture{14, 518})
	}
	for _, size := range []string{"base", "large", "so400m"} {
		kind("vit_"+size, "reg1_tipsv2", size, false, registers(1), picture{14, 448})
	}
	return out
}

func vitPictures() map[string][]picture {
	return map[string][]picture{
		"tiny":     {{16, 224}, {16, 384}},
		"small":    {{8, 224}, {16, 224}, {16, 384}, {32, 224}, {32, 384}},
		"base":     {{8, 224}, {16, 224}, {16, 384}, {32, 224}, {32, 384}},
		"large":    {{14, 224}, {16, 224}, {16, 384}, {32, 224}, {32, 384}},
		"huge":     {{14, 224}},
		"giant":    {{14, 224}},
		"gigantic": {{14, 224}},
	}
}

func clipPictures() map[string][]picture {
	return map[string][]picture{
		"xsmall":   {{16, 224}},
		"medium":   {{16, 224}, {32, 224}},
		"betwixt":  {{32, 224}},
		"base":     {{16, 224}, {16, 384}, {32, 224}, {32, 256}, {32, 384}, {32, 448}},
		"large":    {{14, 224}, {14, 336}},
		"huge":     {{14, 224}, {14, 336}, {14, 378}},
		"giant":    {{14, 224}},
		"gigantic": {{14, 224}, {14, 378}},
	}
}

func quickPictures() map[string][]picture {
	return map[string][]picture{
		"base":     {{16, 224}, {32, 224}},
		"large":    {{14, 224}, {14, 336}},
		"huge":     {{14, 224}, {14, 378}},
		"gigantic": {{14, 224}},
	}
}

func scaled(v *ViT) { v.LayerScale = true }

func clip(v *ViT) { v.PreNorm, v.NormEpsilon = true, 1e-5 }

func quick(v *ViT) {
	clip(v)
	v.Activation = "quick_gelu"
}

func registers(n int) func(*ViT) {
	return func(v *ViT) { v.LayerScale, v.RegisterTokens = true, n }
}
