// A tile of a product. See loops.h.
// Adds to a tile of count rows and 16 columns. count is known where this is inlined, so that the tile lies in
// registers.
INLINE void tile(int count, const tape_stretch *z, long m, const float *const *rows, const float *b, float *y, long y_step) {
	v8 sum[TAPE_ROWS][2];
#pragma GCC unroll 6
	for (int i = 0; i < count; i++)
		sum[i][0] = load(y + i * y_step), sum[i][1] = load(y + i * y_step + 8);
	for (long t = z->first; t < z->last; t++) {
		const float *a[TAPE_ROWS];
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

static void any_tile(long count, const tape_stretch *z, long m, const float *const *rows, const float *b, float *y, long y_step) {
	switch (count) {
	case 6:
		tile(6, z, m, rows, b, y, y_step);
		break;
	case 5:
		tile(5, z, m, rows, b, y, y_step);
		break;
	case 4:
		tile(4, z, m, rows, b, y, y_step);
		break;
	case 3:
		tile(3, z, m, rows, b, y, y_step);
		break;
	case 2:
		tile(2, z, m, rows, b, y, y_step);
		break;
	case 1:
		tile(1, z, m, rows, b, y, y_step);
		break;
	}
}
