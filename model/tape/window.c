#include "window.h"

#include <string.h>

#include "loops.h"

void window_lay_planar(const tape_shape *s, const float *x, window_at at, float *out) {
	for (long c = 0; c < s->channels; c++)
		for (long y = at.top; y < at.top + s->kh; y++, out += s->kw) {
			const float *row = x + (c * s->height + y) * s->width;
			for (long k = 0; k < s->kw; k++) {
				long column = at.left + k;
				out[k] = y >= 0 && y < s->height && column >= 0 && column < s->width ? row[column] : 0;
			}
		}
}

// Pixels side by side lie side by side where there is one group.
void window_lay(const tape_shape *s, const float *x, window_at at, float *out) {
	long channels = s->channels / s->groups, line = s->kw * channels;
	long lo = at.left < 0 ? -at.left : 0, hi = s->width - at.left < s->kw ? s->width - at.left : s->kw;
	for (long y = at.top; y < at.top + s->kh; y++, out += line) {
		memset(out, 0, line * sizeof *out);
		if (y < 0 || y >= s->height || lo >= hi)
			continue;
		const float *row = x + (y * s->width + at.left + lo) * s->channels;
		if (s->groups == 1)
			memcpy(out + lo * channels, row, (hi - lo) * channels * sizeof *out);
		else
			for (long k = lo; k < hi; k++, row += s->channels)
				memcpy(out + k * channels, row, channels * sizeof *out);
	}
}

void window_add(const tape_shape *s, const float *in, window_at at, float *dx) {
	long channels = s->channels / s->groups;
	for (long y = at.top; y < at.top + s->kh; y++)
		for (long c = at.left; c < at.left + s->kw; c++, in += channels)
			if (y >= 0 && y < s->height && c >= 0 && c < s->width)
				loops()->gather(in, dx + (y * s->width + c) * s->channels, channels);
}
