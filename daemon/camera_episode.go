package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sim2reald/camera/device"
	"sim2reald/model/dataset"
)

// seriesOf is what a camera saw in an episode, where stands for DIR#SEED, and the rate of the pictures in Hz.
func seriesOf(where, name string) (*device.Series, float64, error) {
	at := strings.LastIndexByte(where, '#')
	if at < 0 {
		return nil, 0, fmt.Errorf("%s names no episode; write episode:DIR#SEED, with a seed that dataset inspect DIR shows", where)
	}
	dir, text := where[:at], where[at+1:]
	seed, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, 0, fmt.Errorf("%q is no seed; write episode:DIR#SEED, with a seed that dataset inspect DIR shows", text)
	}
	d, err := dataset.Open(dir)
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(d.Meta.Cameras, func(c dataset.Camera) bool { return c.Name == name })
	if i < 0 {
		return nil, 0, fmt.Errorf("%s has no camera %s; name the camera as it is there", dir, name)
	}
	e, err := d.Episode(seed)
	if err != nil {
		return nil, 0, err
	}
	read := func(step int) ([]byte, error) { return e.Steps[step].Pictures[i], nil }
	return &device.Series{Len: len(e.Steps), Read: read}, d.Meta.ControlRateHz, nil
}
