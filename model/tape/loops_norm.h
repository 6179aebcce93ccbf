// Layer norm of a row. See loops.h.

typedef struct {
	float mean, inverse; // 1/√(variance + epsilon)
} moments;

// Two passes: the mean, then the squares about it.
INLINE moments measure(const float *x, float epsilon, long n) {
	v8 total = {0}, squares = {0};
	long whole = n / 8 * 8;
	for (long i = 0; i < whole; i += 8)
		total += load(x + i);
	float mean = (sum(total) + sum(load_some(x + whole, n - whole))) / n;
	for (long i = 0; i < whole; i += 8) {
		v8 d = load(x + i) - mean;
		squares += d * d;
	}
	float variance = sum(squares);
	for (long i = whole; i < n; i++)
		variance += (x[i] - mean) * (x[i] - mean);
	return (moments){mean, 1.0f / sqrtf(variance / n + epsilon)};
}

static void row_moments(const float *x, float epsilon, float *mean_inverse, long n) {
	moments m = measure(x, epsilon, n);
	mean_inverse[0] = m.mean;
	mean_inverse[1] = m.inverse;
}

static void row_norm(const float *x, const float *w, const float *bias, float epsilon, float *y, long n) {
	moments m = measure(x, epsilon, n);
	FOR(n) {
		PUT(y, (GET(x, n) - m.mean) * m.inverse * GET(w, n) + GET(bias, n), n);
	}
}

// With g = dy·w and h the normalised row: dx = (g - mean(g) - h·mean(g·h))/deviation.
static void row_norm_dx(const float *x, const float *w, const float *dy, float epsilon, float *dx, long n) {
	moments m = measure(x, epsilon, n);
	v8 total = {0}, along = {0};
	FOR(n) {
		v8 g = GET(dy, n) * GET(w, n); // 0 beyond the row
		total += g;
		along += g * (GET(x, n) - m.mean);
	}
	float mean = sum(total) / n, slope = sum(along) * m.inverse * m.inverse / n;
	FOR(n) {
		PUT(dx, (GET(dy, n) * GET(w, n) - mean - (GET(x, n) - m.mean) * slope) * m.inverse, n);
	}
}

static void row_norm_dw(const float *x, const float *dy, const float *mean_inverse, float *dw, long n) {
	float mean = mean_inverse[0], inverse = mean_inverse[1];
	FOR(n) {
		PUT(dw, GET(dw, n) + GET(dy, n) * ((GET(x, n) - mean) * inverse), n);
	}
}
