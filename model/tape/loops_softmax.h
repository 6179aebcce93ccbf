// Softmax of a row, and its slope. See loops.h.
static float row_exponentials(float *row, float factor, long n) {
	v8 top = all(row[0]), total = {0};
	long whole = n / 8 * 8, rest = n - whole;
	for (long i = 0; i < whole; i += 8)
		top = larger(load(row + i), top);
	float max = top[0];
	for (int i = 1; i < 8; i++)
		max = top[i] > max ? top[i] : max;
	for (long i = whole; i < n; i++)
		max = row[i] > max ? row[i] : max;
	for (long i = 0; i < whole; i += 8) {
		v8 e = vexp((load(row + i) - max) * factor);
		store(row + i, e);
		total += e;
	}
	float last = 0;
	if (rest > 0) {
		store_some(row + whole, vexp((load_some(row + whole, rest) - max) * factor), rest);
		for (long i = whole; i < n; i++)
			last += row[i];
	}
	return 1.0f / (sum(total) + last);
}

static void row_softmax_slope(const float *w, float *dw, long n) {
	v8 total = {0};
	long whole = n / 8 * 8;
	for (long i = 0; i < whole; i += 8)
		total += load(w + i) * load(dw + i);
	float along = sum(total);
	for (long i = whole; i < n; i++)
		along += w[i] * dw[i];
	for (long i = 0; i < n; i++)
		dw[i] = w[i] * (dw[i] - along);
}

