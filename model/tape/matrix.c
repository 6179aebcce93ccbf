#include "matrix.h"

#include <string.h>

#include "loops.h"

// Numbers of a row that one kernel takes: a panel of 24 KiB stays in the first cache while rows pass by.
enum { DEPTH = 384 };

// The stretch behind the given one; depth 0 when there is none.
static tape_stretch next(matrix_shape s, tape_stretch prev) {
	long k = prev.before + prev.depth;
	tape_stretch z = {.first = k / s.each, .at = k % s.each, .before = k};
	if (z.first >= s.taps)
		return z;
	if (s.each > DEPTH) {
		long parts = (s.each + DEPTH - 1) / DEPTH, size = (s.each + parts - 1) / parts;
		z.last = z.first + 1;
		z.count = s.each - z.at < size ? s.each - z.at : size;
		z.depth = z.count;
		return z;
	}
	long taps = DEPTH / s.each;
	z.last = z.first + taps < s.taps ? z.first + taps : s.taps;
	z.count = s.each;
	z.depth = (z.last - z.first) * s.each;
	return z;
}

static long panels(long n) { return (n + TAPE_PANEL - 1) / TAPE_PANEL; }

long matrix_packed(matrix_shape s) { return panels(s.n) * TAPE_PANEL * s.taps * s.each; }

// Packs one number of every column of a panel.
static void pack_line(matrix_shape s, const float *w, matrix_steps steps, long first, long k, float *packed) {
	w += k / s.each * steps.tap + k % s.each * steps.each;
	for (long j = 0; j < TAPE_PANEL; j++)
		packed[j] = first + j < s.n ? w[(first + j) * steps.column] : 0;
}

void matrix_pack(matrix_shape s, const float *w, matrix_steps steps, float *packed) {
	for (tape_stretch z = next(s, (tape_stretch){0}); z.depth; z = next(s, z))
		for (long first = 0; first < s.n; first += TAPE_PANEL)
			for (long k = z.before; k < z.before + z.depth; k++, packed += TAPE_PANEL)
				pack_line(s, w, steps, first, k, packed);
}

// A tile of fewer than 16 columns goes through memory that has them all.
static void narrow_tile(long count, long columns, const tape_stretch *z, long m, const float *const *rows, const float *b, float *y, long y_step) {
	float whole[TAPE_ROWS * TAPE_PANEL] = {0};
	for (long i = 0; i < count; i++)
		memcpy(whole + i * TAPE_PANEL, y + i * y_step, columns * sizeof *y);
	loops()->tile(count, z, m, rows, b, whole, TAPE_PANEL);
	for (long i = 0; i < count; i++)
		memcpy(y + i * y_step, whole + i * TAPE_PANEL, columns * sizeof *y);
}

// Asks for a share of what is read next, so that it has come when its turn does.
static void ask(const float *next, long floats, long step, long steps) {
	long each = (floats / steps / 16 + 1) * 16;
	for (long i = step * each; i < (step + 1) * each && i < floats; i += 16)
		__builtin_prefetch(next + i, 0, 2);
}

static void multiply_panel(const tape_stretch *z, long m, const float *const *rows, const float *b, long columns, float *y, long y_step) {
	long most = loops()->rows, steps = (m + most - 1) / most;
	for (long i = 0; i < steps; i++) {
		long r = m * i / steps, count = m * (i + 1) / steps - r; // as even as can be
		ask(b + z->depth * TAPE_PANEL, z->depth * TAPE_PANEL, i, steps);
		if (columns == TAPE_PANEL)
			loops()->tile(count, z, m, rows + r, b, y + r * y_step, y_step);
		else
			narrow_tile(count, columns, z, m, rows + r, b, y + r * y_step, y_step);
	}
}

void matrix_multiply(matrix_shape s, long m, const float *const *rows, const float *packed, const float *bias, long from, long until,
	float *y, long y_step) {
	for (long r = 0; r < m; r++)
		if (bias)
			memcpy(y + r * y_step + from, bias + from, (until - from) * sizeof *y);
		else
			memset(y + r * y_step + from, 0, (until - from) * sizeof *y);
	for (tape_stretch z = next(s, (tape_stretch){0}); z.depth; z = next(s, z)) {
		const float *b = packed + z.before * panels(s.n) * TAPE_PANEL;
		for (long c = from; c < until; c += TAPE_PANEL)
			multiply_panel(&z, m, rows, b + c * z.depth, until - c < TAPE_PANEL ? until - c : TAPE_PANEL, y + c, y_step);
	}
}
