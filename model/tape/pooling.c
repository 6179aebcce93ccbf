#include <math.h>
#include <string.h>

#include "loops.h"
#include "tape.h"

// Channels to an item of a gradient.
enum { STRIP = 64 };

typedef struct {
	const tape_shape *s;
	const float *x, *dy;
	float *y;
} job;

// The part of a window that lies on the map.
typedef struct {
	long y0, y1, x0, x1;
} span;

static span span_of(const tape_shape *s, long oy, long ox) {
	span a = {oy * s->stride - s->top, 0, ox * s->stride - s->left, 0};
	a.y1 = a.y0 + s->kh < s->height ? a.y0 + s->kh : s->height;
	a.x1 = a.x0 + s->kw < s->width ? a.x0 + s->kw : s->width;
	a.y0 = a.y0 < 0 ? 0 : a.y0;
	a.x0 = a.x0 < 0 ? 0 : a.x0;
	return a;
}

static float pixels(span a) { return (a.y1 - a.y0) * (a.x1 - a.x0); }

// One row of windows.
static void do_max(const void *arg, long item, float *scratch) {
	const job *j = arg;
	const tape_shape *s = j->s;
	long b = item / s->oh, oy = item % s->oh, n = s->channels;
	const float *x = j->x + b * s->height * s->width * n;
	for (long ox = 0; ox < s->ow; ox++) {
		float *y = j->y + (item * s->ow + ox) * n;
		span a = span_of(s, oy, ox);
		memcpy(y, x + (a.y0 * s->width + a.x0) * n, n * sizeof *y);
		for (long r = a.y0; r < a.y1; r++)
			for (long c = a.x0; c < a.x1; c++)
				loops()->larger(x + (r * s->width + c) * n, y, n);
	}
}

void tape_max_pool(tape_pool *p, const tape_shape *s, const float *x, float *y) {
	job j = {.s = s, .x = x, .y = y};
	tape_parallel(p, do_max, &j, s->b * s->oh);
}

// Gives dy to the first of the largest under the window, as torch does.
static void max_slope(const tape_shape *s, span a, const float *x, float dy, float *dx) {
	long best = (a.y0 * s->width + a.x0) * s->channels;
	for (long r = a.y0; r < a.y1; r++)
		for (long c = a.x0; c < a.x1; c++) {
			long at = (r * s->width + c) * s->channels;
			if (x[at] > x[best])
				best = at;
		}
	dx[best] += dy;
}

static long strips(const tape_shape *s) { return (s->channels + STRIP - 1) / STRIP; }

// A strip of the channels of one example.
static void do_slope(const void *arg, long item, float *scratch) {
	const job *j = arg;
	const tape_shape *s = j->s;
	long b = item / strips(s), c = item % strips(s) * STRIP, n = s->channels - c < STRIP ? s->channels - c : STRIP;
	long first = b * s->height * s->width * s->channels + c;
	float *dx = j->y + first;
	for (long i = 0; i < s->height * s->width; i++)
		memset(dx + i * s->channels, 0, n * sizeof *dx);
	for (long oy = 0; oy < s->oh; oy++)
		for (long ox = 0; ox < s->ow; ox++) {
			const float *dy = j->dy + ((b * s->oh + oy) * s->ow + ox) * s->channels + c;
			span a = span_of(s, oy, ox);
			for (long i = 0; j->x && i < n; i++)
				max_slope(s, a, j->x + first + i, dy[i], dx + i);
			for (long r = a.y0; !j->x && r < a.y1; r++)
				for (long q = a.x0; q < a.x1; q++)
					for (long i = 0; i < n; i++)
						dx[(r * s->width + q) * s->channels + i] += dy[i] / pixels(a);
		}
}

void tape_max_pool_dx(tape_pool *p, const tape_shape *s, const float *x, const float *dy, float *dx) {
	job j = {.s = s, .x = x, .dy = dy, .y = dx};
	tape_parallel(p, do_slope, &j, s->b * strips(s));
}

void tape_avg_pool_dx(tape_pool *p, const tape_shape *s, const float *dy, float *dx) {
	job j = {.s = s, .dy = dy, .y = dx};
	tape_parallel(p, do_slope, &j, s->b * strips(s));
}

static void do_avg(const void *arg, long item, float *scratch) {
	const job *j = arg;
	const tape_shape *s = j->s;
	long b = item / s->oh, oy = item % s->oh, n = s->channels;
	const float *x = j->x + b * s->height * s->width * n;
	for (long ox = 0; ox < s->ow; ox++) {
		float *y = j->y + (item * s->ow + ox) * n;
		span a = span_of(s, oy, ox);
		memset(y, 0, n * sizeof *y);
		for (long r = a.y0; r < a.y1; r++)
			for (long c = a.x0; c < a.x1; c++)
				loops()->gather(x + (r * s->width + c) * n, y, n);
		loops()->gain(1.0f / pixels(a), y, y, n);
	}
}

void tape_avg_pool(tape_pool *p, const tape_shape *s, const float *x, float *y) {
	job j = {.s = s, .x = x, .y = y};
	tape_parallel(p, do_avg, &j, s->b * s->oh);
}
