#include <string.h>

#include "loops.h"
#include "tape.h"

// Rows to an item.
enum { ROWS = 16 };

typedef struct {
	long rows, cols;
	float epsilon;
	const float *x, *w, *bias, *dy;
	float *y, *moments;
} job;

// One past the last row of an item.
static long end(const job *j, long item) { return (item + 1) * ROWS < j->rows ? (item + 1) * ROWS : j->rows; }

static void do_norm(const void *arg, long item, float *scratch) {
	const job *j = arg;
	for (long r = item * ROWS, n = j->cols; r < end(j, item); r++)
		loops()->norm(j->x + r * n, j->w, j->bias, j->epsilon, j->y + r * n, n);
}

static void do_norm_dx(const void *arg, long item, float *scratch) {
	const job *j = arg;
	for (long r = item * ROWS, n = j->cols; r < end(j, item); r++)
		loops()->norm_dx(j->x + r * n, j->w, j->dy + r * n, j->epsilon, j->y + r * n, n);
}

static void do_moments(const void *arg, long item, float *scratch) {
	const job *j = arg;
	for (long r = item * ROWS; r < end(j, item); r++)
		loops()->moments(j->x + r * j->cols, j->epsilon, j->moments + 2 * r, j->cols);
}

static long items(long rows) { return (rows + ROWS - 1) / ROWS; }

void tape_norm(tape_pool *p, long rows, long cols, float epsilon, const float *x, const float *w, const float *bias, float *y) {
	job j = {.rows = rows, .cols = cols, .epsilon = epsilon, .x = x, .w = w, .bias = bias, .y = y};
	tape_parallel(p, do_norm, &j, items(rows));
}

void tape_norm_dx(tape_pool *p, long rows, long cols, float epsilon, const float *x, const float *w, const float *dy, float *dx) {
	job j = {.rows = rows, .cols = cols, .epsilon = epsilon, .x = x, .w = w, .dy = dy, .y = dx};
	tape_parallel(p, do_norm_dx, &j, items(rows));
}

// Columns to an item of a sum over rows.
enum { STRIP = 64 };

static void do_dw(const void *arg, long item, float *scratch) {
	const job *j = arg;
	long c = item * STRIP, n = j->cols - c < STRIP ? j->cols - c : STRIP;
	memset(j->y + c, 0, n * sizeof(float));
	for (long r = 0; r < j->rows; r++)
		loops()->norm_dw(j->x + r * j->cols + c, j->dy + r * j->cols + c, j->moments + 2 * r, j->y + c, n);
}

void tape_norm_dw(tape_pool *p, long rows, long cols, float epsilon, const float *x, const float *dy, float *dw) {
	job j = {.rows = rows, .cols = cols, .epsilon = epsilon, .x = x, .dy = dy, .y = dw, .moments = tape_pool_common(p)};
	tape_parallel(p, do_moments, &j, items(rows));
	tape_parallel(p, do_dw, &j, (cols + STRIP - 1) / STRIP);
}
