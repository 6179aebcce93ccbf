#include "h264.h"

#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>

struct h264 {
	AVCodecContext *codec;
	int64_t max_pixels;
	AVPacket *packet;
	AVFrame *frame;
	struct SwsContext *convert;
	int width, height, format, space, range; // that convert is for
};

h264 *h264_open(int64_t max_pixels) {
	h264 *d = av_mallocz(sizeof *d);
	if (d == NULL)
		return NULL;
	d->max_pixels = max_pixels;
	d->packet = av_packet_alloc();
	d->frame = av_frame_alloc();
	if (d->packet == NULL || d->frame == NULL || h264_anew(d) < 0) {
		h264_close(d);
		return NULL;
	}
	return d;
}

int h264_anew(h264 *d) {
	const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_H264);
	avcodec_free_context(&d->codec);
	if (codec == NULL || (d->codec = avcodec_alloc_context3(codec)) == NULL)
		return H264_MEMORY;
	d->codec->thread_count = 1; // threads would hold pictures back
	d->codec->max_pixels = d->max_pixels;
	d->codec->log_level_offset = 100; // above all levels: what is broken is said by return values, not on stderr
	d->codec->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE | AV_EF_CAREFUL |
	                            AV_EF_COMPLIANT | AV_EF_AGGRESSIVE;
	return avcodec_open2(d->codec, codec, NULL) < 0 ? H264_MEMORY : H264_NONE;
}

void h264_close(h264 *d) {
	if (d == NULL)
		return;
	sws_freeContext(d->convert);
	av_frame_free(&d->frame);
	av_packet_free(&d->packet);
	avcodec_free_context(&d->codec);
	av_free(d);
}


int h264_send(h264 *d, const uint8_t *data, int size, int64_t id) {
	d->packet->data = (uint8_t *)data; // is copied, as it has no buffer of its own
	d->packet->size = size;
	d->packet->pts = id;
	int err = avcodec_send_packet(d->codec, d->packet);
	d->packet->data = NULL;
	d->packet->size = 0;
	if (err == AVERROR(ENOMEM))
		return H264_MEMORY;
	return err < 0 ? H264_BROKEN : H264_NONE;
}

int h264_receive(h264 *d, h264_picture *out) {
	int err = avcodec_receive_frame(d->codec, d->frame);
	if (err == AVERROR(EAGAIN) || err == AVERROR_EOF)
		return H264_NONE;
	if (err == AVERROR(ENOMEM))
		return H264_MEMORY;
	if (err < 0)
		return H264_BROKEN;
	out->id = d->frame->pts;
	out->width = d->frame->width;
	out->height = d->frame->height;
	out->broken = d->frame->decode_error_flags != 0 || (d->frame->flags & AV_FRAME_FLAG_CORRUPT) != 0;
	return H264_PICTURE;
}

// space_of is the matrix of a picture; what does not say, is taken as usual for its size.
static int space_of(const AVFrame *f) {
	if (f->colorspace != AVCOL_SPC_UNSPECIFIED && f->colorspace != AVCOL_SPC_RGB)
		return f->colorspace;
	return f->height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601;
}

static int prepare(h264 *d) {
	const AVFrame *f = d->frame;
	int space = space_of(f), range = f->color_range == AVCOL_RANGE_JPEG || f->format == AV_PIX_FMT_YUVJ420P;
	if (d->convert != NULL && d->width == f->width && d->height == f->height && d->format == f->format &&
	    d->space == space && d->range == range)
		return 0;
	sws_freeContext(d->convert);
	d->convert = sws_getContext(f->width, f->height, f->format, f->width, f->height, AV_PIX_FMT_RGB24, SWS_POINT, NULL,
	                            NULL, NULL);
	if (d->convert == NULL)
		return -1;
	const int *matrix = sws_getCoefficients(space);
	sws_setColorspaceDetails(d->convert, matrix, range, matrix, 1, 0, 1 << 16, 1 << 16);
	d->width = f->width, d->height = f->height, d->format = f->format, d->space = space, d->range = range;
	return 0;
}

int h264_rgb(h264 *d, uint8_t *rgb) {
	if (prepare(d) < 0)
		return H264_MEMORY;
	uint8_t *planes[4] = {rgb};
	int strides[4] = {3 * d->frame->width};
	int rows = sws_scale(d->convert, (const uint8_t *const *)d->frame->data, d->frame->linesize, 0, d->frame->height, planes, strides);
	return rows == d->frame->height ? H264_PICTURE : H264_BROKEN;
}
