// What OpenCV has and GoCV v0.31 has not, over plain arrays so that no memory is shared. Every function gives a
// negative number and a text in err where OpenCV throws.
#ifdef __cplusplus
extern "C" {
#endif

// A grey picture, row-major. Gives the number of corners: their ids, and u, v in px. quick is not 0 to give up early
// where there seems to be none.
int calib_find(const unsigned char *grey, int width, int height, int pattern, int cols, int rows, double square,
               double marker, int dictionary, int quick, int *ids, double *uv, int cap, char *err, int err_cap);

// counts[views] points each: xyz in m on the board, uv in px. k is fx, fy, cx, cy; d and sd (of k and d) follow
// the model, 0 plumb_bob, 1 rational_polynomial, 2 equidistant (which leaves sd alone); poses are rotation vector
// and translation of T_camera_board for each view.
int calib_camera(const double *xyz, const double *uv, const int *counts, int views, int width, int height, int model,
                 double *k, double *d, double *sd, double *poses, double *rms, char *err, int err_cap);

// n transforms each, as 9 numbers of the rotation by rows and 3 of the translation; out is one.
int calib_hand_eye(const double *base_flange, const double *camera_board, int n, int method, double *out, char *err,
                   int err_cap);

// Pixels of points in the optical frame by OpenCV's own models.
int calib_project(const double *xyz, int n, int model, const double *k, const double *d, double *uv, char *err,
                  int err_cap);

// A ChArUco board as OpenCV prints it, with no margin, into width x height bytes.
int calib_draw(int cols, int rows, double square, double marker, int dictionary, int width, int height,
               unsigned char *grey, char *err, int err_cap);

// A matrix of a FileStorage file by OpenCV's own reader: the number of values, row-major.
int calib_read_matrix(const char *path, const char *key, double *out, int cap, char *err, int err_cap);

#ifdef __cplusplus
}
#endif
