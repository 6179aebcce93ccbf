package main

import (
	"context"
	"os"
)

// What cannot run here, and for lack of what.

func noGPU(context.Context, *bench) outcome {
	if _, err := os.Stat("/dev/nvidia0"); err != nil {
		return needs("an NVIDIA GPU")
	}
	return needs("a case written for this machine's GPU: none is yet")
}

func noFranka(context.Context, *bench) outcome { return needs("a Franka and its control computer") }
