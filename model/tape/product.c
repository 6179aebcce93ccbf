#include <cblas.h>
#include <string.h>

#include "loops.h"
#include "matrix.h"
#include "tape.h"
#include "window.h"

// Windows to an item when a map is laid out.
enum { ITEM = 8 };

// Products with fewer multiplications than SMALL are not worth sharing. Those with more than LARGE are cut finer
// than there are threads, so that one that is held up does not hold up the others.
enum { SMALL = 1 << 16, LARGE = 1 << 24 };

void tape_blas_single(void) { openblas_set_num_threads(1); }
const char *tape_blas_config(void) { return openblas_get_config(); }
const char *tape_loops_name(void) { return loops()->name; }

typedef struct {
	const tape_shape *s;
	const float *x, *w, *bias, *gamma, *plus, *dy;
	float *y;
	int act1, act2;
	long n, k;       // outputs of a group, numbers under its window
	long first, rows; // windows of this pass
	const float *a;  // group 0 of what is multiplied
	long lda, group; // distance of its rows, of its groups
	long m, wide, parts; // the result's size, in parts along its longer side
} job;

static job job_of(const tape_shape *s) {
	job j = {.s = s, .n = s->out / s->groups, .k = s->channels / s->groups * s->kh * s->kw, .rows = s->b * windows_of(s)};
	return j;
}

// Shares an m by n result with so many groups out to the threads, along its longer side: either operand is read
// anew by every part that it meets whole. An operand that has to be packed for each part is not cut finer.
static void share(job *j, const tape_pool *p, long m, long n, long depth) {
	long threads = tape_pool_threads(p), parts = threads;
	for (long d = threads; d > 1; d--)
		if (threads % d == 0 && j->s->groups % d == 0) {
			parts = threads / d;
			break;
		}
	if (threads > 1 && j->s->packed && m * n * depth > LARGE)
		parts *= 2;
	j->m = m, j->wide = n;
	j->parts = m * n * depth < SMALL ? 1 : parts;
}

typedef struct {
	long g, r, rows, c, cols;
} part;

static long cut(long size, long i, long parts) {
	long at = (size * i / parts + 15) / 16 * 16; // whole registers
	return at < size ? at : size;
}

static part part_of(const job *j, long item) {
	long i = item % j->parts;
	part t = {item / j->parts, 0, j->m, 0, j->wide};
	if (j->m > j->wide) {
		t.r = cut(j->m, i, j->parts);
		t.rows = cut(j->m, i + 1, j->parts) - t.r;
	} else {
		t.c = cut(j->wide, i, j->parts);
		t.cols = cut(j->wide, i + 1, j->parts) - t.c;
	}
	return t;
}

static void do_windows(const void *arg, long item, float *scratch) {
	const job *j = arg;
	const tape_shape *s = j->s;
	float *to = (float *)j->a;
	for (long r = item * ITEM; r < j->rows && r < (item + 1) * ITEM; r++) {
		window_at at = window_place(s, j->first + r);
		const float *x = j->x + at.b * s->channels * s->height * s->width;
		if (s->planar)
			window_lay_planar(s, x, at, to + r * j->lda);
		else
			for (long g = 0; g < s->groups; g++)
				window_lay(s, x + g * (s->channels / s->groups), at, to + g * j->group + r * j->lda);
	}
}

// Points a at the windows of this pass, which lie in x already or are laid out in the common scratch.
static void lay_out(job *j, tape_pool *p) {
	const tape_shape *s = j->s;
	if (s->tile == 0) {
		j->a = j->x, j->lda = s->channels, j->group = s->channels / s->groups;
		return;
	}
	j->a = tape_pool_common(p), j->lda = j->k, j->group = s->tile * j->k;
	tape_parallel(p, do_windows, j, (j->rows + ITEM - 1) / ITEM);
}

// Goes over all windows in passes of a tile.
static void passes(job *j, tape_pool *p, void (*pass)(job *, tape_pool *)) {
	long total = j->rows, each = j->s->tile ? j->s->tile : total;
	for (j->first = 0; j->first < total; j->first += each) {
		j->rows = total - j->first < each ? total - j->first : each;
		lay_out(j, p);
		pass(j, p);
	}
}

static void finish(const job *j, float *y, long r, long c, long n) {
	long at = r * j->s->out + c;
	loops()->activate(j->act1, y, y, n);
	if (j->gamma)
		loops()->mul(y, j->gamma + c, y, n);
	if (j->plus)
		loops()->add(y, j->plus + at, y, n);
	loops()->activate(j->act2, y, y, n);
}

// What matrix_multiply sees of a group.
static matrix_shape matrix_of(const tape_shape *s) {
	long n = s->out / s->groups, channels = s->channels / s->groups, pixels = s->kh * s->kw;
	if (s->planar)
		return (matrix_shape){n, 1, channels * pixels};
	return (matrix_shape){n, pixels, channels};
}

long tape_packed(const tape_shape *s) { return matrix_packed(matrix_of(s)) * s->groups; }

void tape_pack(const tape_shape *s, const float *w, long group, long first, long out, long pixel, long channel, float *packed) {
	matrix_shape m = matrix_of(s);
	for (long g = 0; g < s->groups; g++)
		matrix_pack(m, w + g * group + first, (matrix_steps){out, pixel, channel}, packed + g * matrix_packed(m));
}

// Rows whose pointers are held at a time: fewer where a window has many pixels.
static long chunk_of(matrix_shape m) { return m.taps < 32 ? MATRIX_ROWS : m.taps < 512 ? MATRIX_ROWS / 10 : 6; }

// The pointers, and a pixel of padding behind them.
long tape_product_scratch(const tape_shape *s) {
	matrix_shape m = matrix_of(s);
	return s->packed ? 2 * chunk_of(m) * m.taps + m.each : 0;
}

// Points rows at the pixels under windows first to first+m-1 of a group.
static void point(const job *j, long g, long first, long m, const float *padding, const float **rows) {
	const tape_shape *s = j->s;
	long channels = s->channels / s->groups;
	for (long r = 0; r < m; r++) {
		window_at at = window_place(s, first + r);
		const float *x = j->x + at.b * s->height * s->width * s->channels + g * channels;
		const float **to = rows + r;
		for (long y = at.top; y < at.top + s->kh; y++)
			for (long c = at.left; c < at.left + s->kw; c++, to += m) {
				int inside = y >= 0 && y < s->height && c >= 0 && c < s->width;
				*to = inside ? x + (y * s->width + c) * s->channels : padding;
			}
	}
}

static void multiply_packed(const job *j, part t, float *y, float *scratch) {
	matrix_shape shape = matrix_of(j->s);
	const float **rows = (const float **)scratch, *w = j->w + t.g * matrix_packed(shape);
	float *padding = scratch + 2 * chunk_of(shape) * shape.taps;
	memset(padding, 0, shape.each * sizeof *padding);
	for (long r = 0; r < t.rows; r += chunk_of(shape)) {
		long m = t.rows - r < chunk_of(shape) ? t.rows - r : chunk_of(shape);
		if (j->s->tile > 0)
			for (long i = 0; i < m; i++)
				rows[i] = j->a + t.g * j->group + (t.r + r + i) * j->lda;
		else
			point(j, t.g, t.r + r, m, padding, rows);
		matrix_multiply(shape, m, rows, w, j->bias ? j->bias + t.g * j->n : NULL, t.c, t.c + t.cols, y + r * j->s->out, j->s->out);
	}
}

static void multiply_plain(const job *j, part t, float *y) {
	long out = j->s->out, c = t.g * j->n + t.c;
	const float *a = j->a + t.g * j->group + t.r * j->lda, *w = j->w + c * j->k;
	y += t.c;
	for (long r = 0; r < t.rows; r++)
		if (j->bias)
			memcpy(y + r * out, j->bias + c, t.cols * sizeof *y);
		else
			memset(y + r * out, 0, t.cols * sizeof *y);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, t.rows, t.cols, j->k, 1, a, j->lda, w, j->k, 1, y, out);
}

static void do_product(const void *arg, long item, float *scratch) {
	const job *j = arg;
	part t = part_of(j, item);
	long out = j->s->out;
	float *y = j->y + (j->first + t.r) * out + t.g * j->n; // column 0 of the group
	if (t.rows <= 0 || t.cols <= 0)
		return;
	if (j->s->packed)
		multiply_packed(j, t, y, scratch);
	else
		multiply_plain(j, t, y);
	for (long r = 0; r < t.rows; r++)
		finish(j, y + r * out + t.c, j->first + t.r + r, t.g * j->n + t.c, t.cols);
}

static void pass_product(job *j, tape_pool *p) {
	share(j, p, j->rows, j->n, j->k);
	tape_parallel(p, do_product, j, j->s->groups * j->parts);
}

void tape_product(tape_pool *p, const tape_shape *s, const float *x, const float *w, const float *bias, int act1, const float *gamma,
	const float *plus, int act2, float *y) {
	job j = job_of(s);
	j.x = x, j.w = w, j.bias = bias, j.act1 = act1, j.gamma = gamma, j.plus = plus, j.act2 = act2, j.y = y;
	passes(&j, p, pass_product);
}

// dw (n, k) of each group is dyᵀ·a, summed over the passes in order.
static void do_dw(const void *arg, long item, float *scratch) {
	const job *j = arg;
	part t = part_of(j, item);
	long out = j->s->out;
	if (t.rows <= 0 || t.cols <= 0)
		return;
	const float *dy = j->dy + j->first * out + t.g * j->n + t.r, *a = j->a + t.g * j->group + t.c;
	float *dw = j->y + (t.g * j->n + t.r) * j->k + t.c;
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, t.rows, t.cols, j->rows, 1, dy, out, a, j->lda, j->first > 0, dw, j->k);
}

static void pass_dw(job *j, tape_pool *p) {
	share(j, p, j->n, j->k, j->rows);
	tape_parallel(p, do_dw, j, j->s->groups * j->parts);
}

void tape_product_dw(tape_pool *p, const tape_shape *s, const float *x, const float *dy, float *dw) {
	job j = job_of(s);
	j.x = x, j.dy = dy, j.y = dw;
	passes(&j, p, pass_dw);
}

static void do_dx(const void *arg, long item, float *scratch) {
	const job *j = arg;
	part t = part_of(j, item);
	const tape_shape *s = j->s;
	if (t.rows <= 0 || t.cols <= 0)
		return;
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, t.rows, t.cols, j->n, 1, j->dy + t.r * s->out + t.g * j->n, s->out,
		j->w + t.g * j->n * j->k + t.c, j->k, 0, j->y + t.r * s->channels + t.g * j->k + t.c, s->channels);
}

// One group of one example.
static void do_dx_windows(const void *arg, long item, float *scratch) {
	const job *j = arg;
	const tape_shape *s = j->s;
	long b = item / s->groups, g = item % s->groups, channels = s->channels / s->groups, pixels = s->height * s->width;
	float *dx = j->y + b * pixels * s->channels + g * channels;
	for (long i = 0; i < pixels; i++)
		memset(dx + i * s->channels, 0, channels * sizeof *dx);
	for (long first = 0; first < windows_of(s); first += s->tile) {
		long rows = windows_of(s) - first < s->tile ? windows_of(s) - first : s->tile;
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, j->k, j->n, 1, j->dy + (b * windows_of(s) + first) * s->out + g * j->n,
			s->out, j->w + g * j->n * j->k, j->k, 0, scratch, j->k);
		for (long r = 0; r < rows; r++) {
			window_at at = window_place(s, first + r);
			window_add(s, scratch + r * j->k, at, dx);
		}
	}
}

void tape_product_dx(tape_pool *p, const tape_shape *s, const float *dy, const float *w, float *dx) {
	job j = job_of(s);
	j.dy = dy, j.w = w, j.y = dx;
	if (s->tile > 0) {
		tape_parallel(p, do_dx_windows, &j, s->b * s->groups);
		return;
	}
	share(&j, p, j.rows, j.k, j.n);
	tape_parallel(p, do_dx, &j, s->groups * j.parts);
}
