// Eight floats at a time, in the compilers' own vector types, so that one source becomes AVX2, SSE or NEON. For
// the loops_*.h alone: what is compiled for which machine is decided there.
#ifndef TAPE_SIMD_H
#define TAPE_SIMD_H

#include <stdint.h>
#include <string.h>

typedef float v8 __attribute__((vector_size(32)));
typedef int32_t i8 __attribute__((vector_size(32)));

#define INLINE static inline __attribute__((always_inline))

INLINE v8 load(const float *p) {
	v8 v;
	memcpy(&v, p, sizeof v);
	return v;
}

INLINE void store(float *p, v8 v) { memcpy(p, &v, sizeof v); }

// The first n of eight, zeros behind them.
INLINE v8 load_some(const float *p, long n) {
	v8 v = {0};
	memcpy(&v, p, n * sizeof *p);
	return v;
}

INLINE void store_some(float *p, v8 v, long n) { memcpy(p, &v, n * sizeof *p); }

INLINE v8 all(float x) { return (v8){x, x, x, x, x, x, x, x}; }

// a where the mask is set, else b.
INLINE v8 choose(i8 mask, v8 a, v8 b) { return (v8)((mask & (i8)a) | (~mask & (i8)b)); }

INLINE v8 larger(v8 a, v8 b) { return choose(a > b, a, b); }
INLINE v8 smaller(v8 a, v8 b) { return choose(a < b, a, b); }

INLINE float sum(v8 v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

// exp(x) to 1e-7 relative: 2^k · exp(r) with |r| <= ln(2)/2, where the polynomial is the minimax fit (relative
// error 3e-9). Below -87 it gives 1e-38, above 88 it gives 2e38; NaN gives NaN.
INLINE v8 vexp(v8 x) {
	v8 in = smaller(larger(x, all(-87.0f)), all(88.0f));
	v8 shifted = in * 1.44269504f + 12582912.0f; // 1.5·2^23: the fraction falls off
	v8 k = shifted - 12582912.0f;
	v8 r = in - k * 0.693359375f + k * 2.12194440e-4f;
	v8 p = r * 1.381461275741458e-3f + 8.368710055947304e-3f;
	p = p * r + 4.166838899254799e-2f;
	p = p * r + 1.666652113199234e-1f;
	p = p * r + 4.999999403953552e-1f;
	p = p * r * r + r + 1.0f;
	return choose(x == x, (v8)((i8)p + ((i8)shifted << 23)), x);
}

// 1/(1 + exp(-x)).
INLINE v8 vsigmoid(v8 x) { return 1.0f / (1.0f + vexp(-x)); }

// The normal distribution function Φ(x), and exp(-x²/2) beside it. With a = |x|, Φ(-a)·exp(a²/2)·(a + 3.75)
// is a polynomial in (a - 3.75)/(a + 3.75) (minimax fit, relative error 1.5e-8).
INLINE v8 vphi(v8 x, v8 *bell) {
	v8 a = smaller(choose(x < 0.0f, -x, x), all(30.0f));
	v8 inv = 1.0f / (a + 3.75f), s = (a - 3.75f) * inv;
	v8 p = s * 4.4344811e-4f + 5.0962664e-4f;
	p = p * s - 4.169017e-3f;
	p = p * s + 1.2000749e-3f;
	p = p * s + 3.7492506e-2f;
	p = p * s - 1.5152083e-1f;
	p = p * s + 3.5293960e-1f;
	p = p * s - 5.8818830e-1f;
	p = p * s + 7.5029410e-1f;
	*bell = vexp(a * a * -0.5f);
	v8 tail = p * inv * *bell;
	return choose(x < 0.0f, tail, 1.0f - tail);
}

#endif
