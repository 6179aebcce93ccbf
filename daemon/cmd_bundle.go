package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"sim2reald/model/backbone"
	"sim2reald/model/base"
	"sim2reald/model/bundle"
)

// cmdBundle shows a bundle, or only says whether it is whole and fits its base.
func cmdBundle(ctx context.Context, args []string) error {
	own := map[string]func(context.Context, []string) error{"import": cmdBundleImport, "keygen": cmdBundleKeygen, "sign": cmdBundleSign}
	if len(args) > 0 && own[args[0]] != nil {
		return own[args[0]](ctx, args[1:])
	}
	fs := flag.NewFlagSet("bundle", flag.ContinueOnError)
	path := fs.String("config", "", "configuration `file`, for policy.base and policy.trusted_keys")
	if err := parseBefore(fs, args, "[flags] inspect|verify FILE, or bundle import|keygen|sign -h"); err != nil {
		return err
	}
	if fs.NArg() != 2 || (fs.Arg(0) != "inspect" && fs.Arg(0) != "verify") {
		return fmt.Errorf("bundle: say inspect, verify, import, keygen or sign, and a file")
	}
	b, err := bundle.Load(fs.Arg(1))
	if err != nil {
		return err
	}
	if fs.Arg(0) == "inspect" {
		return inspectBundle(b)
	}
	cfg, err := loadConfig(*path)
	if err != nil {
		return err
	}
	if err := verifySignature(fs.Arg(1), cfg.Policy); err != nil {
		return err
	}
	return verifyOnBase(b, cfg.Policy.Base)
}

// inspectBundle prints identity, what is trained where, and the manifest.
func inspectBundle(b *bundle.Bundle) error {
	net, err := b.Manifest.Network()
	if err != nil {
		return err
	}
	counts, err := net.Count()
	if err != nil {
		return err
	}
	fmt.Println("digest:", b.Digest())
	fmt.Println("parameters:", counts)
	return printJSON(b.Manifest)
}

func verifyOnBase(b *bundle.Bundle, path string) error {
	on, err := base.Open(path)
	if err != nil {
		return err
	}
	brain := brain{bundle: b, base: on}
	if err := brain.sameBase(); err != nil {
		return err
	}
	fmt.Printf("whole, and for this base: %s %s\n", b.Manifest.Name, b.Digest())
	return nil
}

// cmdBase shows a base, says whether it is whole, or writes the record of a file that a user brings.
func cmdBase(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("base", flag.ContinueOnError)
	name := fs.String("name", "", "timm's `name` of the model, for add")
	arch := fs.String("arch", "", "architecture JSON `file`, for add; without it, what timm has under the name")
	if err := parseBefore(fs, args, "[flags] inspect|verify|add FILE"); err != nil {
		return err
	}
	if fs.NArg() != 2 {
		return fmt.Errorf("base: say inspect, verify or add, and a file")
	}
	switch fs.Arg(0) {
	case "inspect", "verify":
		b, err := base.Open(fs.Arg(1))
		if err != nil {
			return err
		}
		if fs.Arg(0) == "inspect" {
			return printJSON(b.Record)
		}
		fmt.Printf("whole: %s %s\n", b.Record.Name, b.Identity())
		return nil
	case "add":
		return addBase(fs.Arg(1), *name, *arch)
	}
	return fmt.Errorf("base: %q is none of inspect, verify, add", fs.Arg(0))
}

// addBase describes a user's file. Nothing is known of where it came from, and the record says so.
func addBase(path, name, archPath string) error {
	if name == "" {
		return fmt.Errorf("base add: -name is needed: timm's name of the model, such as vit_base_patch16_224")
	}
	arch, err := architecture(name, archPath)
	if err != nil {
		return fmt.Errorf("base add: %w", err)
	}
	b, err := base.Describe(path, base.Record{
		Name: name, Architecture: arch, PossiblyFineTuned: true,
		Licence: base.Licence{Package: "none", Weights: "unknown"}, Note: "brought by a user",
	})
	if err != nil {
		return err
	}
	fmt.Printf("added: %s %s\n", b.Record.Name, b.Identity())
	return nil
}

// architecture is the record in the file, or timm's of that name where no file is given.
func architecture(name, path string) (json.RawMessage, error) {
	if path != "" {
		return os.ReadFile(path)
	}
	arch, err := backbone.Preset(name)
	if err != nil {
		return nil, fmt.Errorf("%w; or give -arch FILE", err)
	}
	return json.Marshal(arch)
}
