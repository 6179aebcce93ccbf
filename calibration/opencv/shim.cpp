#include "shim.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <vector>

#include <opencv2/aruco/charuco.hpp>
#include <opencv2/calib3d.hpp>
#include <opencv2/core.hpp>
#include <opencv2/features2d.hpp>
#include <opencv2/imgproc.hpp>

namespace {

// No exception of C++ may reach Go.
template <typename F> int guarded(char *err, int err_cap, F f) {
  try {
    return f();
  } catch (const cv::Exception &e) {
    std::snprintf(err, err_cap, "%s", e.err.c_str());
  } catch (const std::exception &e) {
    std::snprintf(err, err_cap, "%s", e.what());
  } catch (...) {
    std::snprintf(err, err_cap, "unknown exception");
  }
  return -1;
}

cv::Ptr<cv::aruco::CharucoBoard> charuco(int cols, int rows, double square, double marker, int dictionary) {
  return cv::aruco::CharucoBoard::create(cols, rows, (float)square, (float)marker,
                                         cv::aruco::getPredefinedDictionary(dictionary));
}

int find_charuco(const cv::Mat &grey, const cv::Ptr<cv::aruco::CharucoBoard> &board, std::vector<cv::Point2f> &found,
                 std::vector<int> &ids) {
  std::vector<std::vector<cv::Point2f>> corners;
  std::vector<int> markers;
  cv::aruco::detectMarkers(grey, board->dictionary, corners, markers);
  if (markers.empty()) return 0;
  return cv::aruco::interpolateCornersCharuco(corners, markers, grey, board, found, ids);
}

// As large a window as holds one corner only: the more of the edges is in it, the less noise.
void sharpen(const cv::Mat &grey, cv::Size size, std::vector<cv::Point2f> &found) {
  double nearest = 1e9;
  for (size_t i = 1; i < found.size(); i++)
    if (i % size.width) nearest = std::min(nearest, cv::norm(found[i] - found[i - 1]));
  for (size_t i = size.width; i < found.size(); i++)
    nearest = std::min(nearest, cv::norm(found[i] - found[i - size.width]));
  int half = std::max(2, std::min(11, (int)(nearest * 0.4)));
  cv::cornerSubPix(grey, found, cv::Size(half, half), cv::Size(-1, -1),
                   cv::TermCriteria(cv::TermCriteria::EPS | cv::TermCriteria::COUNT, 50, 1e-3));
}

bool find_grid(const cv::Mat &grey, int pattern, cv::Size size, bool quick, std::vector<cv::Point2f> &found) {
  if (pattern == 0 && quick) {
    int flags = cv::CALIB_CB_ADAPTIVE_THRESH | cv::CALIB_CB_NORMALIZE_IMAGE | cv::CALIB_CB_FAST_CHECK;
    if (!cv::findChessboardCorners(grey, size, found, flags)) return false;
    sharpen(grey, size, found);
    return true;
  }
  if (pattern == 0) {
    int flags = cv::CALIB_CB_EXHAUSTIVE | cv::CALIB_CB_ACCURACY | cv::CALIB_CB_NORMALIZE_IMAGE;
    if (!cv::findChessboardCornersSB(grey, size, found, flags)) {
      flags = cv::CALIB_CB_ADAPTIVE_THRESH | cv::CALIB_CB_NORMALIZE_IMAGE;
      if (!cv::findChessboardCorners(grey, size, found, flags)) return false;
    }
    sharpen(grey, size, found);
    return true;
  }
  int flags = pattern == 3 ? cv::CALIB_CB_ASYMMETRIC_GRID : cv::CALIB_CB_SYMMETRIC_GRID;
  return cv::findCirclesGrid(grey, size, found, flags) ||
         (!quick && cv::findCirclesGrid(grey, size, found, flags | cv::CALIB_CB_CLUSTERING));
}

cv::Mat camera_matrix(const double *k) { return (cv::Mat_<double>(3, 3) << k[0], 0, k[2], 0, k[1], k[3], 0, 0, 1); }

cv::Mat rotation(const double *t) { return cv::Mat(3, 3, CV_64F, (void *)t).clone(); }
cv::Mat translation(const double *t) { return cv::Mat(3, 1, CV_64F, (void *)(t + 9)).clone(); }

const int coefficients[] = {5, 8, 4};

} // namespace

int calib_find(const unsigned char *grey, int width, int height, int pattern, int cols, int rows, double square,
               double marker, int dictionary, int quick, int *ids, double *uv, int cap, char *err, int err_cap) {
  return guarded(err, err_cap, [&]() -> int {
    cv::Mat picture(height, width, CV_8U, (void *)grey);
    std::vector<cv::Point2f> found;
    std::vector<int> names;
    if (pattern == 1) {
      find_charuco(picture, charuco(cols, rows, square, marker, dictionary), found, names);
    } else if (find_grid(picture, pattern, cv::Size(cols, rows), quick, found)) {
      for (size_t i = 0; i < found.size(); i++) names.push_back((int)i);
    } else {
      found.clear();
    }
    if ((int)found.size() > cap || names.size() != found.size()) CV_Error(cv::Error::StsOutOfRange, "corners");
    for (size_t i = 0; i < found.size(); i++) {
      ids[i] = names[i];
      uv[2 * i] = found[i].x;
      uv[2 * i + 1] = found[i].y;
    }
    return (int)found.size();
  });
}

int calib_camera(const double *xyz, const double *uv, const int *counts, int views, int width, int height, int model,
                 double *k, double *d, double *sd, double *poses, double *rms, char *err, int err_cap) {
  return guarded(err, err_cap, [&]() -> int {
    cv::Mat K, D, r, t, sd_in, sd_ex, per_view;
    cv::Size size(width, height);
    if (model == 2) {
      std::vector<std::vector<cv::Point3d>> object(views);
      std::vector<std::vector<cv::Point2d>> image(views);
      for (int i = 0; i < views; i++)
        for (int j = 0; j < counts[i]; j++, xyz += 3, uv += 2) {
          object[i].emplace_back(xyz[0], xyz[1], xyz[2]);
          image[i].emplace_back(uv[0], uv[1]);
        }
      *rms = cv::fisheye::calibrate(object, image, size, K, D, r, t,
                                    cv::fisheye::CALIB_RECOMPUTE_EXTRINSIC | cv::fisheye::CALIB_FIX_SKEW,
                                    cv::TermCriteria(cv::TermCriteria::EPS | cv::TermCriteria::COUNT, 200, 1e-12));
    } else {
      std::vector<std::vector<cv::Point3f>> object(views);
      std::vector<std::vector<cv::Point2f>> image(views);
      for (int i = 0; i < views; i++)
        for (int j = 0; j < counts[i]; j++, xyz += 3, uv += 2) {
          object[i].emplace_back((float)xyz[0], (float)xyz[1], (float)xyz[2]);
          image[i].emplace_back((float)uv[0], (float)uv[1]);
        }
      *rms = cv::calibrateCamera(object, image, size, K, D, r, t, sd_in, sd_ex, per_view,
                                 model == 1 ? cv::CALIB_RATIONAL_MODEL : 0,
                                 cv::TermCriteria(cv::TermCriteria::EPS | cv::TermCriteria::COUNT, 200, 1e-12));
      sd_in.convertTo(sd_in, CV_64F);
      for (int i = 0; i < 4 + coefficients[model]; i++) sd[i] = sd_in.at<double>(i);
    }
    k[0] = K.at<double>(0, 0), k[1] = K.at<double>(1, 1), k[2] = K.at<double>(0, 2), k[3] = K.at<double>(1, 2);
    for (int i = 0; i < coefficients[model]; i++) d[i] = D.at<double>(i);
    for (int i = 0; i < views; i++) {
      cv::Mat rv = r.row(i).reshape(1, 3), tv = t.row(i).reshape(1, 3);
      rv.convertTo(rv, CV_64F), tv.convertTo(tv, CV_64F);
      for (int j = 0; j < 3; j++) poses[6 * i + j] = rv.at<double>(j), poses[6 * i + 3 + j] = tv.at<double>(j);
    }
    return 0;
  });
}

int calib_hand_eye(const double *base_flange, const double *camera_board, int n, int method, double *out, char *err,
                   int err_cap) {
  return guarded(err, err_cap, [&]() -> int {
    std::vector<cv::Mat> ra, ta, rb, tb;
    for (int i = 0; i < n; i++) {
      ra.push_back(rotation(base_flange + 12 * i)), ta.push_back(translation(base_flange + 12 * i));
      rb.push_back(rotation(camera_board + 12 * i)), tb.push_back(translation(camera_board + 12 * i));
    }
    cv::Mat r, t;
    cv::calibrateHandEye(ra, ta, rb, tb, r, t, (cv::HandEyeCalibrationMethod)method);
    r.convertTo(r, CV_64F), t.convertTo(t, CV_64F);
    for (int i = 0; i < 9; i++) out[i] = r.at<double>(i / 3, i % 3);
    for (int i = 0; i < 3; i++) out[9 + i] = t.at<double>(i);
    return 0;
  });
}

int calib_project(const double *xyz, int n, int model, const double *k, const double *d, double *uv, char *err,
                  int err_cap) {
  return guarded(err, err_cap, [&]() -> int {
    std::vector<cv::Point3d> points;
    for (int i = 0; i < n; i++) points.emplace_back(xyz[3 * i], xyz[3 * i + 1], xyz[3 * i + 2]);
    std::vector<cv::Point2d> pixels;
    cv::Vec3d zero(0, 0, 0);
    cv::Mat D(1, coefficients[model], CV_64F, (void *)d);
    if (model == 2)
      cv::fisheye::projectPoints(points, pixels, zero, zero, camera_matrix(k), D);
    else
      cv::projectPoints(points, zero, zero, camera_matrix(k), D, pixels);
    for (int i = 0; i < n; i++) uv[2 * i] = pixels[i].x, uv[2 * i + 1] = pixels[i].y;
    return 0;
  });
}

int calib_draw(int cols, int rows, double square, double marker, int dictionary, int width, int height,
               unsigned char *grey, char *err, int err_cap) {
  return guarded(err, err_cap, [&]() -> int {
    cv::Mat out, into(height, width, CV_8U, grey);
    charuco(cols, rows, square, marker, dictionary)->draw(cv::Size(width, height), out);
    out.copyTo(into);
    return 0;
  });
}

int calib_read_matrix(const char *path, const char *key, double *out, int cap, char *err, int err_cap) {
  return guarded(err, err_cap, [&]() -> int {
    cv::FileStorage file(path, cv::FileStorage::READ);
    if (!file.isOpened()) CV_Error(cv::Error::StsError, "no such file, or no FileStorage");
    cv::Mat m;
    file[key] >> m;
    m.convertTo(m, CV_64F);
    if ((int)m.total() > cap) CV_Error(cv::Error::StsOutOfRange, "matrix");
    for (int i = 0; i < (int)m.total(); i++) out[i] = m.at<double>(i / m.cols, i % m.cols);
    return (int)m.total();
  });
}
