// A decoder of H264 by libavcodec: one access unit in, pictures out as RGB. Nothing here is shared between decoders.
#ifndef SIM2REALD_H264_H
#define SIM2REALD_H264_H

#include <stdint.h>

typedef struct h264 h264;

typedef struct {
	int64_t id; // of the access unit that it came with
	int width, height;
	int broken; // libavcodec had to guess parts of it
} h264_picture;

enum { H264_NONE = 0, H264_PICTURE = 1, H264_BROKEN = -1, H264_MEMORY = -2 };

h264 *h264_open(int64_t max_pixels);
void h264_close(h264 *d);

// h264_anew forgets all that was sent. A decoder that has seen an error and is only flushed decodes what follows wrongly.
int h264_anew(h264 *d);

// h264_send takes an access unit in Annex B with 64 zero bytes behind its size.
int h264_send(h264 *d, const uint8_t *data, int size, int64_t id);

// h264_receive says whether a picture is there, and h264_rgb copies that one out, rows of 3 * width bytes.
int h264_receive(h264 *d, h264_picture *out);
int h264_rgb(h264 *d, uint8_t *rgb);

#endif
