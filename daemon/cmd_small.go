package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sim2reald/daemon/config"
)

// cmdConfig prints the example, which is the defaults, or writes what a mosquitto needs to let in the same clients.
func cmdConfig(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("config", flag.ContinueOnError)
	path := fs.String("config", "", "configuration `file`, for -mosquitto")
	dir := fs.String("mosquitto", "", "write mosquitto.conf and mosquitto.acl of mqtt.listen_tls, tls and users into this `folder`")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if *dir != "" {
		return writeMosquitto(*path, *dir)
	}
	_, err := os.Stdout.Write(config.Example())
	return err
}

// cmdVersion prints the version.
func cmdVersion(_ context.Context, args []string) error {
	if err := parseFlags(flag.NewFlagSet("version", flag.ContinueOnError), args); err != nil {
		return err
	}
	fmt.Println("sim2reald", version)
	return nil
}

// cmdRequest asks a running daemon over its page.
func cmdRequest(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("request", flag.ContinueOnError)
	path := fs.String("config", "", "configuration `file` of the daemon, for web.listen")
	fault := fs.Uint64("fault", 0, "`id` of the fault, for acknowledge; the status shows it")
	kinds := "arm, start, hold, stop, home, shadow, acknowledge, stage FILE, commit [DIGEST], rollback"
	if err := parseBefore(fs, args, "[flags] KIND, one of "+kinds); err != nil {
		return err
	}
	if fs.NArg() != 1 && (fs.NArg() != 2 || !ofShelf(fs.Arg(0))) {
		return fmt.Errorf("request: name one of %s", kinds)
	}
	cfg, err := loadConfig(*path)
	if err != nil {
		return err
	}
	asked := url.Values{"fault": {fmt.Sprint(*fault)}, "bundle": {fs.Arg(1)}}
	if fs.Arg(0) == kindStage {
		asked.Set("bundle", inFolder(cfg.Policy.Folder, fs.Arg(1)))
	}
	return post(ctx, fmt.Sprintf("http://%s/request/%s?%s", cfg.Web.Listen, url.PathEscape(fs.Arg(0)), asked.Encode()), fs.Arg(0))
}

// inFolder is a file's name as the daemon wants it, within its folder of bundles, where the file lies there.
func inFolder(folder, file string) string {
	if name, err := filepath.Rel(folder, file); err == nil && filepath.IsLocal(name) {
		return name
	}
	return file
}

// post does one request and turns a refusal into its error. To stage a bundle takes a few inferences.
func post(ctx context.Context, url, kind string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("request %s: %w; is `sim2reald run` running with this configuration?", kind, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 4096))
	if err != nil {
		return fmt.Errorf("request %s: %w", kind, err)
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s", strings.TrimSpace(string(text)))
	}
	fmt.Println(kind + ": done")
	return nil
}

// printJSON shows a value to a person.
func printJSON(v any) error {
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
