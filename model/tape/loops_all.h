// Every inner loop, for the machine that the including file is compiled for, as the table called LOOPS.

#include <math.h>

#include "loops.h"
#include "simd.h"

#include "loops_rows.h"

#include "loops_norm.h"

#include "loops_softmax.h"

#include "loops_matrix.h"

const tape_loops LOOPS = {
	.activate = row_activate,
	.slope = row_slope,
	.add = row_add,
	.mul = row_mul,
	.gain = row_gain,
	.gather = row_gather,
	.gather_mul = row_gather_mul,
	.shift = row_shift,
	.larger = row_larger,
	.standardise = row_standardise,
	.norm = row_norm,
	.norm_dx = row_norm_dx,
	.moments = row_moments,
	.norm_dw = row_norm_dw,
	.exponentials = row_exponentials,
	.softmax_slope = row_softmax_slope,
	.rows = ROWS,
	.tile = any_tile,
	.name = LOOPS_NAME,
};
