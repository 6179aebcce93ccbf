package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"sim2reald/model/dataset"
	"sim2reald/model/dataset/lerobot"
)

// cmdDataset looks at demonstrations, writes them for others, and makes those of others readable.
func cmdDataset(ctx context.Context, args []string) error {
	return choose(ctx, "sim2reald dataset", "works on demonstrations", []command{
		{"inspect", "what a dataset holds; every episode is read and checked", inspectDataset},
		{"export", "write a dataset in LeRobot's layout, for others", exportDataset},
		{"map", "say what the columns of a LeRobot dataset mean, so that train reads it", mapDataset},
	}, args)
}

// oneFolder parses flags and wants one argument behind them.
func oneFolder(fs *flag.FlagSet, args []string) (string, error) {
	if err := parseBefore(fs, args, "[flags] FOLDER"); err != nil {
		return "", err
	}
	if fs.NArg() != 1 {
		return "", fmt.Errorf("%s: %d folders named; name the one, behind the flags", fs.Name(), fs.NArg())
	}
	return fs.Arg(0), nil
}

func inspectDataset(_ context.Context, args []string) error {
	dir, err := oneFolder(flag.NewFlagSet("dataset inspect", flag.ContinueOnError), args)
	if err != nil {
		return err
	}
	d, err := dataset.Open(dir)
	if err != nil {
		return err
	}
	s, err := d.Summary()
	if err != nil {
		return err
	}
	fmt.Println(s)
	if seeds := d.Seeds(); len(seeds) > 0 {
		fmt.Printf("seeds %d to %d\n", seeds[0], seeds[len(seeds)-1])
	}
	return printJSON(d.Meta)
}

func exportDataset(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("dataset export", flag.ContinueOnError)
	out := fs.String("out", "", "`folder` to write; it appears whole or not at all")
	format := fs.String("format", "lerobot", "layout: lerobot, version 3")
	images := fs.String("images", "mp4", "mp4, small and lossy, the loss is measured; or png, lossless")
	failures := fs.Bool("failures", false, "failed demonstrations too, marked in next.success: who does not look imitates them")
	replace := fs.Bool("replace", false, "replace an export that is there")
	dir, err := oneFolder(fs, args)
	if err != nil {
		return err
	}
	kind, ok := map[string]string{"mp4": lerobot.Video, "png": lerobot.Image}[*images]
	switch {
	case *format != "lerobot":
		return fmt.Errorf("dataset export: -format %q; this version writes lerobot", *format)
	case !ok:
		return fmt.Errorf("dataset export: -images %q; want mp4 or png", *images)
	case *out == "":
		return errors.New("dataset export: -out is missing; name the folder to write")
	}
	d, err := dataset.Open(dir)
	if err != nil {
		return err
	}
	report, err := d.Export(ctx, *out, dataset.ExportOptions{Images: kind, Failures: *failures, Replace: *replace})
	if err != nil {
		return err
	}
	tellExport(report, *out, kind)
	return nil
}
