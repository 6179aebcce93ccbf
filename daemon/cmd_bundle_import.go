package main

import (
	"context"
	"flag"
	"fmt"

	"sim2reald/model/base"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/train"
)

// cmdBundleImport makes a bundle of what the PyTorch package trained. Everything is checked against the base
// before a byte is written.
func cmdBundleImport(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("bundle import", flag.ContinueOnError)
	cfgPath := fs.String("config", "", "configuration `file`, for policy.base; none means the defaults")
	basePath := fs.String("base", "", "`file` of the base that it was trained on; none means policy.base")
	data := fs.String("data", "", "dataset `folder` that it was trained on, for reference pictures of its cameras; none means a bundle without")
	out := fs.String("out", "", "`file` to write the bundle to")
	if err := parseBefore(fs, args, "[-base FILE] [-data DIR] -out BUNDLE FILE"); err != nil {
		return err
	}
	if *out == "" {
		return fmt.Errorf("bundle import: -out is missing; name the file to write the bundle to")
	}
	if fs.NArg() != 1 {
		return fmt.Errorf("bundle import: %d files named; name the one that `python -m sim2real_torch train` wrote, behind the flags", fs.NArg())
	}
	if *basePath == "" {
		cfg, err := loadConfig(*cfgPath)
		if err != nil {
			return err
		}
		*basePath = cfg.Policy.Base
	}
	return importBundle(fs.Arg(0), *basePath, *data, *out)
}

// importBundle reads the file at path and writes the bundle to out.
func importBundle(path, basePath, data, out string) error {
	on, err := base.Open(basePath)
	if err != nil {
		return err
	}
	b, err := bundle.ImportFile(path, bundle.Base{Name: on.Record.Name, Digest: on.Identity(), Arch: on.Record.Architecture})
	if err != nil {
		return err
	}
	if b, err = withReferences(b, data); err != nil {
		return err
	}
	net, err := b.Manifest.Network()
	if err != nil {
		return err
	}
	counts, err := net.Count()
	if err != nil {
		return err
	}
	if err := b.Save(out); err != nil {
		return err
	}
	fmt.Printf("imported: %s for base %s: %s\n", b.Manifest.Name, on.Record.Name, counts)
	fmt.Printf("trained by %s\n", b.Manifest.Training.Trainer)
	fmt.Printf("wrote %s, %s\n", out, b.Digest())
	return nil
}

// withReferences adds what the cameras showed in the dataset that the bundle was trained on; without one it stays as it is.
func withReferences(b *bundle.Bundle, folder string) (*bundle.Bundle, error) {
	if folder == "" {
		fmt.Println("without reference pictures: name the dataset with -data, and a camera that is turned or swaps colours will be noticed")
		return b, nil
	}
	data, err := dataset.Open(folder)
	if err != nil {
		return nil, err
	}
	digest, err := data.Digest()
	if err != nil {
		return nil, err
	}
	if want := b.Manifest.Training.DataDigest; digest != want {
		return nil, fmt.Errorf("bundle import: it was trained on dataset %s, %s is %s; name the right one with -data", want, folder, digest)
	}
	return withShown(b, data)
}

// withShown adds reference pictures and colours; features take an engine, and training in Gorgonia adds them.
func withShown(b *bundle.Bundle, data *dataset.Dataset) (*bundle.Bundle, error) {
	shown, err := train.ShownIn(data)
	if err != nil {
		return nil, err
	}
	return shownBy(b, shown)
}

func shownBy(b *bundle.Bundle, shown train.Shown) (*bundle.Bundle, error) {
	b, err := b.WithReferences(shown.References)
	if err != nil {
		return nil, err
	}
	return b.WithLikeness(shown.Likeness)
}
