// Windows of a convolution on a map: where they are, and what is under them.
#ifndef TAPE_WINDOW_H
#define TAPE_WINDOW_H

#include "tape.h"

// The example and the first pixel of a window, which lies in the padding perhaps.
typedef struct {
	long b, top, left;
} window_at;

static inline long windows_of(const tape_shape *s) { return s->oh * s->ow; }

// Window r, counted through all examples.
static inline window_at window_place(const tape_shape *s, long r) {
	long in = r % windows_of(s);
	return (window_at){r / windows_of(s), in / s->ow * s->stride - s->top, in % s->ow * s->stride - s->left};
}

// Copies what is under a window of one group of an example, pixel by pixel, with zeros for the padding.
void window_lay(const tape_shape *s, const float *x, window_at at, float *out);
// The same of a planar map, channel by channel.
void window_lay_planar(const tape_shape *s, const float *x, window_at at, float *out);
// Adds what came for a window to the pixels under it.
void window_add(const tape_shape *s, const float *in, window_at at, float *dx);

#endif
