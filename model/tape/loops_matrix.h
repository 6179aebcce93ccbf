// A tile of a product. See loops.h.
// Adds to a tile of count rows and 16 columns. count is known where this is inlined, so that the tile lies in
// registers. Every number is summed up in the order of k, however wide the registers are: the bits are the same.
#ifdef LOOPS_WIDE

// A row of a tile in one register of 32: ten of them, and four lines of the packed operand, so that a row's pointer, of
// which there are more than registers, is fetched once for four numbers.
enum { ROWS = 10, LINES = 4 };

typedef float v16 __attribute__((vector_size(64)));

INLINE v16 load_wide(const float *p) {
	v16 v;
	memcpy(&v, p, sizeof v);
	return v;
}

INLINE void tile(int count, const tape_stretch *z, long m, const float *const *rows, const float *b, float *y, long y_step) {
	v16 sum[ROWS];
#pragma GCC unroll 10
	for (int i = 0; i < count; i++)
		sum[i] = load_wide(y + i * y_step);
	for (long t = z->first; t < z->last; t++) {
		const float *const *a = rows + t * m;
		long k = z->at, end = k + z->count;
		for (; k + LINES <= end; k += LINES, b += LINES * TAPE_PANEL) {
			v16 b0 = load_wide(b), b1 = load_wide(b + 16), b2 = load_wide(b + 32), b3 = load_wide(b + 48);
#pragma GCC unroll 10
			for (int i = 0; i < count; i++) {
				const float *x = a[i] + k;
				sum[i] += x[0] * b0;
				sum[i] += x[1] * b1;
				sum[i] += x[2] * b2;
				sum[i] += x[3] * b3;
			}
		}
		for (; k < end; k++, b += TAPE_PANEL) {
			v16 b0 = load_wide(b);
#pragma GCC unroll 10
			for (int i = 0; i < count; i++)
				sum[i] += a[i][k] * b0;
		}
	}
#pragma GCC unroll 10
	for (int i = 0; i < count; i++)
		memcpy(y + i * y_step, &sum[i], sizeof sum[i]);
}

#else

enum { ROWS = 6 }; // by 16 columns takes 12 of AVX2's 16 registers

INLINE void tile(int count, const tape_stretch *z, long m, const float *const *rows, const float *b, float *y, long y_step) {
	v8 sum[ROWS][2];
#pragma GCC unroll 6
	for (int i = 0; i < count; i++)
		sum[i][0] = load(y + i * y_step), sum[i][1] = load(y + i * y_step + 8);
	for (long t = z->first; t < z->last; t++) {
		const float *a[ROWS];
#pragma GCC unroll 6
		for (int i = 0; i < count; i++)
			a[i] = rows[t * m + i] + z->at;
		for (long k = 0; k < z->count; k++, b += TAPE_PANEL) {
			v8 b0 = load(b), b1 = load(b + 8);
#pragma GCC unroll 6
			for (int i = 0; i < count; i++) {
				v8 x = all(a[i][k]);
				sum[i][0] += x * b0;
				sum[i][1] += x * b1;
			}
		}
	}
#pragma GCC unroll 6
	for (int i = 0; i < count; i++)
		store(y + i * y_step, sum[i][0]), store(y + i * y_step + 8, sum[i][1]);
}

#endif

#define TILE(n) \
	case n: \
		tile(n, z, m, rows, b, y, y_step); \
		break;

static void any_tile(long count, const tape_stretch *z, long m, const float *const *rows, const float *b, float *y, long y_step) {
	switch (count) {
#ifdef LOOPS_WIDE
		TILE(10) TILE(9) TILE(8) TILE(7)
#endif
		TILE(6) TILE(5) TILE(4) TILE(3) TILE(2) TILE(1)
	}
}
