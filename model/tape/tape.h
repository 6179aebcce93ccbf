// What Go calls: each function is one op of the tape, on matrices that lie row by row without gaps. A map is a
// matrix of pixels by channels, unless it says planar: then it lies channel by channel, as a picture does.
//
// b counts examples; every pointer that may be NULL says so. Scratch must have been reserved.
#ifndef TAPE_H
#define TAPE_H

#include "loops.h"
#include "pool.h"

// Elementwise (elementwise.c).

void tape_activate(tape_pool *p, int kind, long n, const float *x, float *y);
void tape_slope(tape_pool *p, int kind, long n, const float *x, const float *dy, float *dx);
// y = x + other, which repeats after period numbers.
void tape_add(tape_pool *p, long n, long period, const float *x, const float *other, float *y);
// y = base + delta; where delta is 0, y is base to the bit.
void tape_shift(tape_pool *p, long n, const float *base, const float *delta, float *y);
void tape_gain(tape_pool *p, long n, float factor, const float *x, float *y);
// y[b,r,c] = x[b,r,c]·scale[b,c].
void tape_scale(tape_pool *p, long b, long rows, long cols, const float *x, const float *scale, float *y);
// y = (x - mean)/std, and y = x/std where mean is NULL, by columns.
void tape_standardise(tape_pool *p, long rows, long cols, const float *x, const float *mean, const float *std, float *y);
// y[b,c] = factor·Σ_r x[b,r,c]·other[b,r,c]; other may be NULL, for ones.
void tape_sums(tape_pool *p, long b, long rows, long cols, float factor, const float *x, const float *other, float *y);
// y[b,r,c] = factor·x[b,c].
void tape_spread(tape_pool *p, long b, long rows, long cols, float factor, const float *x, float *y);
// Copies b pieces of n numbers; pieces begin so many numbers apart.
void tape_move(tape_pool *p, long b, long n, const float *from, long from_step, float *to, long to_step);
// y[b,c,r] = x[b,r,c].
void tape_turn(tape_pool *p, long b, long rows, long cols, const float *x, float *y);

// Layer norm (norm.c). moments is rows pairs of mean and 1/deviation.

void tape_norm(tape_pool *p, long rows, long cols, float epsilon, const float *x, const float *w, const float *bias, float *y);
void tape_norm_dx(tape_pool *p, long rows, long cols, float epsilon, const float *x, const float *w, const float *dy, float *dx);
// dw[c] = Σ_r dy·(x - mean)/deviation. Common scratch: 2·rows.
void tape_norm_dw(tape_pool *p, long rows, long cols, float epsilon, const float *x, const float *dy, float *dw);

// Attention (attention.c). Scratch of each thread: tape_attention_scratch, and 2·n·n backward.

long tape_attention_scratch(long n, long size);

void tape_attention(tape_pool *p, long b, long n, long heads, long size, const float *qkv, float *y);
void tape_attention_dx(tape_pool *p, long b, long n, long heads, long size, const float *qkv, const float *dy, float *dqkv);

// Products (product.c): every linear layer, patch embedding and convolution.

typedef struct {
	long b, channels, height, width; // of x
	long planar;                     // x lies planar
	long out, kh, kw, stride, top, left, oh, ow, groups;
	long packed; // w is packed, see tape_pack
	long tile;   // rows of windows laid out at a time; 0 where x is read as it lies
} tape_shape;

// Floats of w packed, and of each thread's scratch that tape_product needs.
long tape_packed(const tape_shape *s);
long tape_product_scratch(const tape_shape *s);
// Packs w, whose group begins group numbers behind the one before, and whose number of output o, kernel pixel t
// and input channel c is first + o·out + t·pixel + c·channel numbers into its group.
void tape_pack(const tape_shape *s, const float *w, long group, long first, long out, long pixel, long channel, float *packed);

// y = act2(act1(x*w + bias)·gamma + plus), each but the product optional (TAPE_NONE, NULL). Unless it is
// packed, w is (out, k): k runs over kernel rows, kernel columns and the group's channels, or channels first
// where x is planar. Common scratch: tile·k·groups, here and in tape_product_dw.
void tape_product(tape_pool *p, const tape_shape *s, const float *x, const float *w, const float *bias, int act1, const float *gamma,
	const float *plus, int act2, float *y);
// Scratch of each thread: tile·k. x must not be planar, nor w packed.
void tape_product_dx(tape_pool *p, const tape_shape *s, const float *dy, const float *w, float *dx);
void tape_product_dw(tape_pool *p, const tape_shape *s, const float *x, const float *dy, float *dw);

// Pools (pooling.c).

void tape_max_pool(tape_pool *p, const tape_shape *s, const float *x, float *y);
void tape_max_pool_dx(tape_pool *p, const tape_shape *s, const float *x, const float *dy, float *dx);
void tape_avg_pool(tape_pool *p, const tape_shape *s, const float *x, float *y);
void tape_avg_pool_dx(tape_pool *p, const tape_shape *s, const float *dy, float *dx);

// What computes (product.c).

void tape_blas_single(void); // OpenBLAS on the calling thread alone
const char *tape_blas_config(void);
const char *tape_loops_name(void);

#endif
