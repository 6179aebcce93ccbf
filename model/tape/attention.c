#include <cblas.h>
#include <math.h>

#include "loops.h"
#include "matrix.h"
#include "tape.h"

typedef struct {
	long n, heads, size;
	const float *qkv, *dy;
	float *y;
} job;

// One head of one example: q, k, v and what lies in the same places of the gradient.
typedef struct {
	long from; // its first number in qkv
	long out;  // its first number in y
	int n, size, wide, width;
	float root; // 1/√size
} head;

static head head_of(const job *j, long item) {
	long width = j->heads * j->size, b = item / j->heads, h = item % j->heads;
	return (head){
		.from = b * j->n * 3 * width + h * j->size,
		.out = b * j->n * width + h * j->size,
		.n = j->n,
		.size = j->size,
		.wide = 3 * width,
		.width = width,
		.root = 1.0f / sqrtf(j->size),
	};
}

// Queries that are answered at a time: their weights stay in the second cache.
enum { QUERIES = 96 };

// How a thread's scratch is used, in floats.
typedef struct {
	matrix_shape keys, values;
	long step;                               // distance of rows of weights, whole panels
	long at_keys, at_values, at_rows, total; // after QUERIES pointers and as many sums
} plan;

static plan plan_of(long n, long size) {
	plan p = {.keys = {n, 1, size}, .values = {size, 1, n}, .step = (n + TAPE_PANEL - 1) / TAPE_PANEL * TAPE_PANEL};
	p.at_keys = 4 * QUERIES;
	p.at_values = p.at_keys + matrix_packed(p.keys);
	p.at_rows = p.at_values + matrix_packed(p.values);
	p.total = p.at_rows + QUERIES * p.step;
	return p;
}

long tape_attention_scratch(long n, long size) { return plan_of(n, size).total; }

// Answers m queries. The rows of y are divided by the sums of their weights at the end: they are shorter than
// the rows of weights.
static void answer(const head *h, const plan *p, long m, const float *q, float *y, float *scratch) {
	const float **rows = (const float **)scratch;
	float *inverse = scratch + 2 * QUERIES, *weights = scratch + p->at_rows;
	for (long r = 0; r < m; r++)
		rows[r] = q + r * h->wide;
	matrix_multiply(p->keys, m, rows, scratch + p->at_keys, NULL, 0, p->step, weights, p->step);
	for (long r = 0; r < m; r++) {
		rows[r] = weights + r * p->step;
		inverse[r] = loops()->exponentials(weights + r * p->step, h->root, h->n);
	}
	matrix_multiply(p->values, m, rows, scratch + p->at_values, NULL, 0, h->size, y, h->width);
	for (long r = 0; r < m; r++)
		loops()->gain(inverse[r], y + r * h->width, y + r * h->width, h->size);
}

static void do_attention(const void *arg, long item, float *scratch) {
	const job *j = arg;
	head h = head_of(j, item);
	plan p = plan_of(h.n, h.size);
	const float *q = j->qkv + h.from;
	matrix_pack(p.keys, q + h.width, (matrix_steps){.column = h.wide, .each = 1}, scratch + p.at_keys);
	matrix_pack(p.values, q + 2 * h.width, (matrix_steps){.column = 1, .each = h.wide}, scratch + p.at_values);
	for (long r = 0; r < h.n; r += QUERIES) {
		long m = h.n - r < QUERIES ? h.n - r : QUERIES;
		answer(&h, &p, m, q + r * h.wide, j->y + h.out + r * h.width, scratch);
	}
}

void tape_attention(tape_pool *p, long b, long n, long heads, long size, const float *qkv, float *y) {
	job j = {.n = n, .heads = heads, .size = size, .qkv = qkv, .y = y};
	tape_parallel(p, do_attention, &j, b * heads);
}

// The weights are computed again rather than kept: they are n·n numbers for each head of each layer.
static void do_attention_dx(const void *arg, long item, float *scratch) {
	const job *j = arg;
	head h = head_of(j, item);
	float *w = scratch, *dw = scratch + (long)h.n * h.n;
	const float *q = j->qkv + h.from, *k = q + h.width, *v = k + h.width, *dy = j->dy + h.out;
	float *dq = j->y + h.from, *dk = dq + h.width, *dv = dk + h.width;
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, h.n, h.n, h.size, 1, q, h.wide, k, h.wide, 0, w, h.n);
	for (long r = 0; r < h.n; r++)
		loops()->gain(loops()->exponentials(w + r * h.n, h.root, h.n), w + r * h.n, w + r * h.n, h.n);
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, h.n, h.size, h.n, 1, w, h.n, dy, h.width, 0, dv, h.wide);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, h.n, h.n, h.size, 1, dy, h.width, v, h.wide, 0, dw, h.n);
	for (long r = 0; r < h.n; r++)
		loops()->softmax_slope(w + r * h.n, dw + r * h.n, h.n);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, h.n, h.size, h.n, h.root, dw, h.n, k, h.wide, 0, dq, h.wide);
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, h.n, h.size, h.n, h.root, dw, h.n, q, h.wide, 0, dk, h.wide);
}

void tape_attention_dx(tape_pool *p, long b, long n, long heads, long size, const float *qkv, const float *dy, float *dqkv) {
	job j = {.n = n, .heads = heads, .size = size, .qkv = qkv, .dy = dy, .y = dqkv};
	tape_parallel(p, do_attention_dx, &j, b * heads);
}
