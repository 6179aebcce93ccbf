package main

import (
	"context"
	"regexp"
	"strings"
)

// corruptStreams are real streams of ffmpeg's, whose packets are damaged in the ways that are asked for.
func corruptStreams(ctx context.Context, _ *bench) outcome {
	said, err := goTest(ctx, "./camera/rtsp", "^TestCorruptedPackets$", "RTSP_PACKETS=100000")
	if err != nil {
		return broken(err)
	}
	figures := regexp.MustCompile(`(?m)(\S+ [^:]+): (\d+ packets damaged: .*)$`).FindAllStringSubmatch(said, -1)
	var told []string
	for _, f := range figures {
		told = append(told, f[1]+": "+f[2])
	}
	return measured(len(told) == 8, "0 crashes; %s; a single bit often makes another picture that nothing tells from one that was sent", strings.Join(told, "; "))
}

// deadStreams are servers that die, hang, or come and go under a reader and under a moving arm.
func deadStreams(ctx context.Context, _ *bench) outcome {
	reader, err := goTest(ctx, "./camera/rtsp", "^(TestDeadServer|TestPeerKilledAgainAndAgain|TestSilenceIsGivenUp|TestHungDecoderIsAbandoned)$", "RTSP_KILLS=100")
	if err != nil {
		return broken(err)
	}
	arm, err := goTest(ctx, "./daemon", "^TestCameraServerDies$")
	if err != nil {
		return broken(err)
	}
	held := regexp.MustCompile(`held (\S+) after`).FindStringSubmatch(arm)
	leaks := regexp.MustCompile(`(\d+ kills: .*)`).FindStringSubmatch(reader)
	if len(held) != 2 || len(leaks) != 2 {
		return measured(false, "the tests print no figures: %s, %s", lastOf(arm, 3), lastOf(reader, 3))
	}
	return measured(true, "the arm held %s after the server's death; %s (%s)", held[1], leaks[1], ran(reader))
}
