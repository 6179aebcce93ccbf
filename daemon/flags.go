package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"sim2reald/daemon/config"
)

var errUsage = errors.New("usage")

// command is one row of a table of contents.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string) error
}

// choose runs the command that the first argument names, or tells which there are. name and about are those of what
// they belong to.
func choose(ctx context.Context, name, about string, all []command, args []string) error {
	if len(args) > 0 {
		if i := slices.IndexFunc(all, func(c command) bool { return c.name == args[0] }); i >= 0 {
			return all[i].run(ctx, args[1:])
		}
		if !slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
			fmt.Fprintf(os.Stderr, "%s: unknown command %q\n", name, args[0])
		}
	}
	fmt.Fprintf(os.Stderr, "%s %s. Commands:\n", name, about)
	for _, c := range all {
		fmt.Fprintf(os.Stderr, "  %-10s %s\n", c.name, c.summary)
	}
	fmt.Fprintf(os.Stderr, "`%s COMMAND -h` lists a command's flags.\n", name)
	return errUsage
}

// parseBefore reads the flags that stand before what usage names. A wrong one has been told when it returns errUsage.
func parseBefore(fs *flag.FlagSet, args []string, usage string) error {
	fs.SetOutput(io.Discard) // by itself the package tells all flags with what is wrong
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(os.Stderr)
		fmt.Fprintf(os.Stderr, "sim2reald %s %s\n", fs.Name(), usage)
		fs.PrintDefaults()
		return err
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "sim2reald: %s: %v; `sim2reald %[1]s -h` lists the flags\n", fs.Name(), err)
		return errUsage
	}
	return nil
}

// parseFlags reads a command's flags; what stands behind them is an error that names it.
func parseFlags(fs *flag.FlagSet, args []string) error {
	if err := parseBefore(fs, args, "[flags]"); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q; flags begin with -", fs.Name(), fs.Arg(0))
	}
	return nil
}

// configured reads a command's flags, and the configuration that -config names among them.
func configured(fs *flag.FlagSet, args []string) (config.Config, error) {
	path := fs.String("config", "", "configuration `file`; none means the defaults, which `sim2reald config` prints")
	if err := parseFlags(fs, args); err != nil {
		return config.Config{}, err
	}
	return loadConfig(*path)
}

// loadConfig is config.Load for a command.
func loadConfig(path string) (config.Config, error) {
	cfg, err := config.Load(path)
	return cfg, asMisconfigured(err)
}
