package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"

	"sim2reald/daemon/config"
	"sim2reald/model/bundle"
)

// cmdBundleKeygen makes a signing key, and prints what a configuration needs to trust it.
func cmdBundleKeygen(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("bundle keygen", flag.ContinueOnError)
	out := fs.String("out", "", "`file` to write the private key to, which must not be there yet")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if *out == "" {
		return fmt.Errorf("bundle keygen: -out is missing; name the file to write the private key to")
	}
	public, err := bundle.NewKey(*out)
	if err != nil {
		return fmt.Errorf("bundle keygen: %w", err)
	}
	fmt.Printf("wrote %s: keep it where the robot is not\npolicy.trusted_keys: [%q]\n", *out, bundle.KeyText(public))
	return nil
}

// cmdBundleSign writes the signature of a bundle beside it.
func cmdBundleSign(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("bundle sign", flag.ContinueOnError)
	key := fs.String("key", "", "private key `file`, of bundle keygen")
	release := fs.Uint64("release", 0, "`number` of this release of the bundle's name: after it, the robot refuses smaller ones")
	if err := parseBefore(fs, args, "-key KEY [-release N] FILE"); err != nil {
		return err
	}
	if *key == "" || fs.NArg() != 1 {
		return fmt.Errorf("bundle sign: give -key KEY, and one bundle behind the flags")
	}
	private, err := bundle.ReadKey(*key)
	if err != nil {
		return fmt.Errorf("bundle sign: %w", err)
	}
	b, err := bundle.SignFile(fs.Arg(0), private, *release)
	if err != nil {
		return err
	}
	fmt.Printf("signed: %s %s as release %d\nwrote %s%s\n", b.Manifest.Name, b.Digest(), *release, fs.Arg(0), bundle.SignatureSuffix)
	return nil
}

// verifySignature says who vouches for a bundle, if anybody does, and whether the configuration trusts them.
func verifySignature(path string, p config.Policy) error {
	s, err := bundle.ReadSignature(path)
	if errors.Is(err, bundle.ErrUnsigned) && len(p.TrustedKeys) == 0 {
		fmt.Println("not signed, and policy.trusted_keys asks for no signature")
		return nil
	}
	if err != nil {
		return err
	}
	key := bundle.KeyText(s.Key)
	if len(p.TrustedKeys) > 0 && !slices.Contains(p.TrustedKeys, key) {
		return fmt.Errorf("%w: its key %s is none of policy.trusted_keys; have it signed by one of them", bundle.ErrSignature, key)
	}
	fmt.Printf("signed by %s as release %d; policy.trusted_keys has %d keys\n", key, s.Release, len(p.TrustedKeys))
	return nil
}
