// The inner loops. They are compiled three times on x86-64, for AVX-512, for AVX2 with FMA and for any machine, and chosen
// when they are called; elsewhere the one way that the compiler knows is enough. TAPE_PLAIN leaves the first two out and
// TAPE_AVX2 the first, so that the others can be tested: CGO_CFLAGS=-DTAPE_PLAIN go test ./model/tape
//
// A product that is followed by an activation, a scale and a sum runs the same loops, one after the other, that
// those layers would run by themselves: fused or not, the bits are the same.
#ifndef TAPE_LOOPS_H
#define TAPE_LOOPS_H

// Activations; the numbers are Go's too.
enum { TAPE_NONE, TAPE_RELU, TAPE_GELU, TAPE_QUICK_GELU, TAPE_SIGMOID };

// A stretch of a product's sum: pieces first to last-1 of a row, and of each so many numbers from at.
typedef struct {
	long first, last, at, count;
	long before, depth; // numbers of the sum before it, and in it
} tape_stretch;

// Columns of a result that lie side by side in a packed matrix, and rows of it that a tile of any loops has at most.
enum { TAPE_PANEL = 16, TAPE_ROWS = 10 };

// Rows of n numbers. What is written may be what is read, unless a line says otherwise.
typedef struct {
	void (*activate)(int kind, const float *x, float *y, long n);
	void (*slope)(int kind, const float *x, const float *dy, float *dx, long n); // dx = dy·f'(x)
	void (*add)(const float *a, const float *b, float *y, long n);
	void (*mul)(const float *a, const float *b, float *y, long n);
	void (*gain)(float factor, const float *x, float *y, long n);
	void (*gather)(const float *a, float *y, long n);                        // y += a
	void (*gather_mul)(const float *a, const float *b, float *y, long n);    // y += a·b
	void (*shift)(const float *base, const float *delta, float *y, long n);  // y = base + delta; base to the bit where delta is 0
	void (*larger)(const float *x, float *y, long n);                        // y = max(x, y), NaN if either is
	void (*standardise)(const float *x, const float *mean, const float *std, float *y, long n); // mean may be NULL
	void (*norm)(const float *x, const float *w, const float *bias, float epsilon, float *y, long n);
	void (*norm_dx)(const float *x, const float *w, const float *dy, float epsilon, float *dx, long n); // dx is neither
	void (*moments)(const float *x, float epsilon, float *mean_inverse, long n); // mean and 1/√(variance + epsilon)
	// dw += dy·(x - mean)·inverse
	void (*norm_dw)(const float *x, const float *dy, const float *mean_inverse, float *dw, long n);
	// Makes a row of exponentials of factor·row, less the largest exponent, and gives one over their sum. factor > 0.
	float (*exponentials)(float *row, float factor, long n);
	void (*softmax_slope)(const float *w, float *dw, long n); // dw = w·(dw - Σ w·dw)
	long rows; // that its tiles have at most
	// Adds to a tile of count rows and 16 columns. Row i's piece t begins at rows[t·m + i].
	void (*tile)(long count, const tape_stretch *z, long m, const float *const *rows, const float *packed, float *y, long y_step);
	const char *name;
} tape_loops;

extern const tape_loops tape_loops_plain;

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(TAPE_PLAIN)
#define TAPE_X86
extern const tape_loops tape_loops_avx2, tape_loops_avx512;
#endif

static inline const tape_loops *loops(void) {
#ifdef TAPE_X86
#ifndef TAPE_AVX2
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
		return &tape_loops_avx512;
#endif
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &tape_loops_avx2;
#endif
	return &tape_loops_plain;
}

#endif
