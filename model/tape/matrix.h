// Products with a matrix that was packed before: frozen weights, and a bundle's when it is loaded.
//
// OpenBLAS packs both operands of every product anew. At batch 1 that is a tenth of the time of a vision
// transformer and half that of a convolution on a small map, and a convolution would first have to be laid out
// as a matrix. Here weights are packed once, in the order in which they are read, and the other operand is read
// where it lies, through pointers: one to each pixel under a window.
#ifndef TAPE_MATRIX_H
#define TAPE_MATRIX_H

// The packed operand has n columns, of taps pieces of each numbers.
typedef struct {
	long n, taps, each;
} matrix_shape;

// Where the packed operand's numbers come from: w[column·column + tap·tap + i·each].
typedef struct {
	long column, tap, each;
} matrix_steps;

// Floats of a packed matrix.
long matrix_packed(matrix_shape s);

void matrix_pack(matrix_shape s, const float *w, matrix_steps steps, float *packed);

// Rows that one call takes at best: their stretches stay in the second cache.
enum { MATRIX_ROWS = 480 };

// y[r,c] = bias[c] + row r · column c, for rows 0 to m-1 and columns from to until (a multiple of TAPE_PANEL,
// or n). Row r's piece t begins at rows[t·m + r]; bias may be NULL. Column 0 is at y[0].
void matrix_multiply(matrix_shape s, long m, const float *const *rows, const float *packed, const float *bias, long from, long until,
	float *y, long y_step);

#endif
