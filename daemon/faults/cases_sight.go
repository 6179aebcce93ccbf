package main

import (
	"context"
	"regexp"
	"strings"
)

// turnedCameras are simulated and real cameras that are turned, swap red and blue, show what another should, or have moved.
func turnedCameras(ctx context.Context, _ *bench) outcome {
	said, err := goTest(ctx, "./model/reference", "^(TestDetects|TestFalseAlarms|TestMovedMount|TestRealCamera)$")
	if err != nil {
		return broken(err)
	}
	figures := regexp.MustCompile(`(?m)_test\.go:\d+: ((?:real: )?(?:turned|turned [48]°|red and blue swapped|another camera|another scene|ordinary|standing|moved by 4 %): \d+ .*)$`).FindAllStringSubmatch(said, -1)
	var told []string
	for _, f := range figures {
		told = append(told, f[1])
	}
	return measured(len(told) == 12, "%s, of what the references can tell", strings.Join(told, "; "))
}

// secretsAbsent are a stream's password and a signing key in what is printed.
func secretsAbsent(ctx context.Context, _ *bench) outcome {
	stream, err := goTest(ctx, "./camera/device", "^TestNobodyPrintsPasswords$")
	if err != nil {
		return broken(err)
	}
	key, err := goTest(ctx, "./model/bundle", "^TestKeys$")
	if err != nil {
		return broken(err)
	}
	return measured(true, "0 hits in what this program, OpenCV and FFmpeg print of %d streams, nor of a key in an error (%s, %s); the journal and core files were not looked at", partsOf(stream), ran(stream), ran(key))
}
