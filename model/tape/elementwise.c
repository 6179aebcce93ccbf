#include <string.h>

#include "loops.h"
#include "tape.h"

// Numbers to an item: enough to be worth handing over, little enough to stay in the first cache.
enum { CHUNK = 8192 };

typedef struct {
	long n, period, b, rows, cols, from_step, to_step;
	int kind;
	float factor;
	const float *x, *other, *mean;
	float *y;
} job;

static long pieces(long n, long each) { return (n + each - 1) / each; }

// Numbers of the item that begins at from.
static long span(long from, long n, long each) { return n - from < each ? n - from : each; }

// Rows to an item.
static long rows_each(long cols) { return cols < CHUNK ? CHUNK / cols : 1; }

static void do_activate(const void *arg, long item, float *scratch) {
	const job *j = arg;
	long at = item * CHUNK, n = span(at, j->n, CHUNK);
	if (j->other)
		loops()->slope(j->kind, j->x + at, j->other + at, j->y + at, n);
	else
		loops()->activate(j->kind, j->x + at, j->y + at, n);
}

void tape_activate(tape_pool *p, int kind, long n, const float *x, float *y) {
	job j = {.kind = kind, .n = n, .x = x, .y = y};
	tape_parallel(p, do_activate, &j, pieces(n, CHUNK));
}

void tape_slope(tape_pool *p, int kind, long n, const float *x, const float *dy, float *dx) {
	job j = {.kind = kind, .n = n, .x = x, .other = dy, .y = dx};
	tape_parallel(p, do_activate, &j, pieces(n, CHUNK));
}

static void do_add(const void *arg, long item, float *scratch) {
	const job *j = arg;
	for (long at = item * CHUNK, end = at + span(at, j->n, CHUNK); at < end;) {
		long in = at % j->period, n = span(in, j->period, end - at);
		loops()->add(j->x + at, j->other + in, j->y + at, n);
		at += n;
	}
}

void tape_add(tape_pool *p, long n, long period, const float *x, const float *other, float *y) {
	job j = {.n = n, .period = period, .x = x, .other = other, .y = y};
	tape_parallel(p, do_add, &j, pieces(n, CHUNK));
}

static void do_shift(const void *arg, long item, float *scratch) {
	const job *j = arg;
	long at = item * CHUNK;
	loops()->shift(j->x + at, j->other + at, j->y + at, span(at, j->n, CHUNK));
}

void tape_shift(tape_pool *p, long n, const float *base, const float *delta, float *y) {
	job j = {.n = n, .x = base, .other = delta, .y = y};
	tape_parallel(p, do_shift, &j, pieces(n, CHUNK));
}

static void do_gain(const void *arg, long item, float *scratch) {
	const job *j = arg;
	long at = item * CHUNK;
	loops()->gain(j->factor, j->x + at, j->y + at, span(at, j->n, CHUNK));
}

void tape_gain(tape_pool *p, long n, float factor, const float *x, float *y) {
	job j = {.n = n, .factor = factor, .x = x, .y = y};
	tape_parallel(p, do_gain, &j, pieces(n, CHUNK));
}

static void do_scale(const void *arg, long item, float *scratch) {
	const job *j = arg;
	long each = rows_each(j->cols), all = j->b * j->rows;
	for (long r = item * each, end = r + span(r, all, each); r < end; r++) {
		long at = r * j->cols;
		loops()->mul(j->x + at, j->other + r / j->rows * j->cols, j->y + at, j->cols);
	}
}

void tape_scale(tape_pool *p, long b, long rows, long cols, const float *x, const float *scale, float *y) {
	job j = {.b = b, .rows = rows, .cols = cols, .x = x, .other = scale, .y = y};
	tape_parallel(p, do_scale, &j, pieces(b * rows, rows_each(cols)));
}

static void do_standardise(const void *arg, long item, float *scratch) {
	const job *j = arg;
	long each = rows_each(j->cols);
	for (long r = item * each, end = r + span(r, j->rows, each); r < end; r++)
		loops()->standardise(j->x + r * j->cols, j->mean, j->other, j->y + r * j->cols, j->cols);
}

void tape_standardise(tape_pool *p, long rows, long cols, const float *x, const float *mean, const float *std, float *y) {
	job j = {.rows = rows, .cols = cols, .x = x, .mean = mean, .other = std, .y = y};
	tape_parallel(p, do_standardise, &j, pieces(rows, rows_each(cols)));
}

// Columns to an item of a sum over rows: four cache lines.
enum { STRIP = 64 };

static void do_sums(const void *arg, long item, float *scratch) {
	const job *j = arg;
	long strips = pieces(j->cols, STRIP), c = item % strips * STRIP, n = span(c, j->cols, STRIP), b = item / strips;
	float *y = j->y + b * j->cols + c;
	memset(y, 0, n * sizeof *y);
	for (long r = 0; r < j->rows; r++) {
		long at = (b * j->rows + r) * j->cols + c;
		if (j->other)
			loops()->gather_mul(j->x + at, j->other + at, y, n);
		else
			loops()->gather(j->x + at, y, n);
	}
	if (j->factor != 1.0f)
		loops()->gain(j->factor, y, y, n);
}

void tape_sums(tape_pool *p, long b, long rows, long cols, float factor, const float *x, const float *other, float *y) {
	job j = {.b = b, .rows = rows, .cols = cols, .factor = factor, .x = x, .other = other, .y = y};
	tape_parallel(p, do_sums, &j, b * pieces(cols, STRIP));
}

static void do_spread(const void *arg, long item, float *scratch) {
	const job *j = arg;
	long each = rows_each(j->cols), all = j->b * j->rows;
	for (long r = item * each, end = r + span(r, all, each); r < end; r++)
		loops()->gain(j->factor, j->x + r / j->rows * j->cols, j->y + r * j->cols, j->cols);
}

void tape_spread(tape_pool *p, long b, long rows, long cols, float factor, const float *x, float *y) {
	job j = {.b = b, .rows = rows, .cols = cols, .factor = factor, .x = x, .y = y};
	tape_parallel(p, do_spread, &j, pieces(b * rows, rows_each(cols)));
}

static void do_move(const void *arg, long item, float *scratch) {
	const job *j = arg;
	memcpy(j->y + item * j->to_step, j->x + item * j->from_step, j->n * sizeof(float));
}

void tape_move(tape_pool *p, long b, long n, const float *from, long from_step, float *to, long to_step) {
	job j = {.n = n, .from_step = from_step, .to_step = to_step, .x = from, .y = to};
	tape_parallel(p, do_move, &j, b);
}

// Sixteen rows by sixteen columns at a time: a cache line each way.
static void do_turn(const void *arg, long item, float *scratch) {
	const job *j = arg;
	long strips = pieces(j->rows, 16), r0 = item % strips * 16, rn = span(r0, j->rows, 16);
	long at = item / strips * j->rows * j->cols;
	for (long c0 = 0; c0 < j->cols; c0 += 16)
		for (long c = c0, cn = c0 + span(c0, j->cols, 16); c < cn; c++)
			for (long r = r0; r < r0 + rn; r++)
				j->y[at + c * j->rows + r] = j->x[at + r * j->cols + c];
}

void tape_turn(tape_pool *p, long b, long rows, long cols, const float *x, float *y) {
	job j = {.rows = rows, .cols = cols, .x = x, .y = y};
	tape_parallel(p, do_turn, &j, b * pieces(rows, 16));
}
