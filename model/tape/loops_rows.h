// Activations, sums and products of rows. See loops.h.
// FOR runs its body for eight elements at a time, and once for the rest: full says which. GET and PUT read and
// write at i, whole vectors where they can.
#define FOR(n) for (long i = 0, full = (n) >= 8; i < (n); i += 8, full = i + 8 <= (n))
#define GET(p, n) (full ? load((p) + i) : load_some((p) + i, (n) - i))
#define PUT(p, v, n) \
	do { \
		if (full) \
			store((p) + i, v); \
		else \
			store_some((p) + i, v, (n) - i); \
	} while (0)

static void relu(const float *x, float *y, long n) {
	FOR(n) {
		v8 v = GET(x, n);
		PUT(y, choose(v < 0.0f, all(0), v), n); // NaN stays
	}
}

static void gelu(const float *x, float *y, long n) {
	FOR(n) {
		v8 v = GET(x, n), bell;
		PUT(y, v * vphi(v, &bell), n);
	}
}

static void quick_gelu(const float *x, float *y, long n) {
	FOR(n) {
		v8 v = GET(x, n);
		PUT(y, v * vsigmoid(v * 1.702f), n);
	}
}

static void sigmoid(const float *x, float *y, long n) {
	FOR(n) {
		PUT(y, vsigmoid(GET(x, n)), n);
	}
}

static void row_activate(int kind, const float *x, float *y, long n) {
	switch (kind) {
	case TAPE_RELU:
		relu(x, y, n);
		break;
	case TAPE_GELU:
		gelu(x, y, n);
		break;
	case TAPE_QUICK_GELU:
		quick_gelu(x, y, n);
		break;
	case TAPE_SIGMOID:
		sigmoid(x, y, n);
		break;
	}
}

static void relu_slope(const float *x, const float *dy, float *dx, long n) {
	FOR(n) {
		PUT(dx, choose(GET(x, n) > 0.0f, GET(dy, n), all(0)), n);
	}
}

static void gelu_slope(const float *x, const float *dy, float *dx, long n) {
	FOR(n) {
		v8 v = GET(x, n), bell, p = vphi(v, &bell);
		PUT(dx, GET(dy, n) * (p + v * bell * 0.39894228f), n); // 1/√(2π)
	}
}

static void quick_gelu_slope(const float *x, const float *dy, float *dx, long n) {
	FOR(n) {
		v8 v = GET(x, n) * 1.702f, s = vsigmoid(v);
		PUT(dx, GET(dy, n) * (s + v * s * (1.0f - s)), n);
	}
}

static void sigmoid_slope(const float *x, const float *dy, float *dx, long n) {
	FOR(n) {
		v8 s = vsigmoid(GET(x, n));
		PUT(dx, GET(dy, n) * (s * (1.0f - s)), n);
	}
}

static void row_slope(int kind, const float *x, const float *dy, float *dx, long n) {
	switch (kind) {
	case TAPE_RELU:
		relu_slope(x, dy, dx, n);
		break;
	case TAPE_GELU:
		gelu_slope(x, dy, dx, n);
		break;
	case TAPE_QUICK_GELU:
		quick_gelu_slope(x, dy, dx, n);
		break;
	case TAPE_SIGMOID:
		sigmoid_slope(x, dy, dx, n);
		break;
	}
}

static void row_add(const float *a, const float *b, float *y, long n) {
	FOR(n) {
		PUT(y, GET(a, n) + GET(b, n), n);
	}
}

static void row_mul(const float *a, const float *b, float *y, long n) {
	FOR(n) {
		PUT(y, GET(a, n) * GET(b, n), n);
	}
}

static void row_gain(float factor, const float *x, float *y, long n) {
	FOR(n) {
		PUT(y, factor * GET(x, n), n);
	}
}

static void row_gather(const float *a, float *y, long n) {
	FOR(n) {
		PUT(y, GET(y, n) + GET(a, n), n);
	}
}

static void row_gather_mul(const float *a, const float *b, float *y, long n) {
	FOR(n) {
		PUT(y, GET(y, n) + GET(a, n) * GET(b, n), n);
	}
}

static void row_larger(const float *x, float *y, long n) {
	for (long i = 0; i < n; i++)
		y[i] = x[i] > y[i] || x[i] != x[i] ? x[i] : y[i];
}

static void row_shift(const float *x, const float *delta, float *y, long n) {
	for (long i = 0; i < n; i++)
		y[i] = delta[i] == 0.0f ? x[i] : x[i] + delta[i];
}

static void row_standardise(const float *x, const float *mean, const float *std, float *y, long n) {
	for (long i = 0; i < n; i++)
		y[i] = mean ? (x[i] - mean[i]) / std[i] : x[i] / std[i];
}

