/*
 * What the guest's test programs share of the kernel's mode setting: the card, and dumb buffers to draw into.
 */
#ifndef KMS_H
#define KMS_H

#include "lib.h"
#include <drm.h>
#include <drm_mode.h>
#include <fcntl.h>
#include <sys/mman.h>

struct buffer {
	uint32_t handle, fb, width, height, pitch;
	uint64_t size;
	uint8_t *map;
};

static int card = -1;

static inline int drm(unsigned long request, void *argument)
{
	return retried_ioctl(card, request, argument);
}

static inline void destroy_buffer(struct buffer *b)
{
	struct drm_mode_destroy_dumb destroy = { .handle = b->handle };
	if (b->fb)
		drm(DRM_IOCTL_MODE_RMFB, &b->fb);
	if (b->map)
		munmap(b->map, b->size);
	if (b->handle)
		drm(DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
	memset(b, 0, sizeof *b);
}

static inline int create_buffer(struct buffer *b, uint32_t width, uint32_t height, uint32_t format)
{
	struct drm_mode_create_dumb create = { .width = width, .height = height, .bpp = 32 };
	struct drm_mode_map_dumb map = { 0 };
	struct drm_mode_fb_cmd2 fb = { .width = width, .height = height, .pixel_format = format };

	memset(b, 0, sizeof *b);
	if (drm(DRM_IOCTL_MODE_CREATE_DUMB, &create) < 0)
		return -1;
	b->handle = map.handle = fb.handles[0] = create.handle;
	b->width = width;
	b->height = height;
	b->pitch = fb.pitches[0] = create.pitch;
	b->size = create.size;
	if (format && drm(DRM_IOCTL_MODE_ADDFB2, &fb) < 0)
		return -1;
	b->fb = fb.fb_id;
	if (drm(DRM_IOCTL_MODE_MAP_DUMB, &map) < 0)
		return -1;
	b->map = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
	if (b->map == MAP_FAILED) {
		b->map = NULL;
		return -1;
	}
	return 0;
}

static inline void draw(struct buffer *b, uint32_t x0, uint32_t y0, uint32_t width, uint32_t height, uint32_t seed)
{
	for (uint32_t y = y0; y < y0 + height && y < b->height; y++) {
		uint32_t *row = (uint32_t *)(b->map + (size_t)y * b->pitch);
		for (uint32_t x = x0; x < x0 + width && x < b->width; x++)
			row[x] = picture(x, y, seed);
	}
}

/* Any mode of that size: one of the connector's, else one of our own (virtio-gpu knows no timings). */
static inline void mode_for(uint32_t connector, uint32_t width, uint32_t height, struct drm_mode_modeinfo *mode)
{
	static struct drm_mode_modeinfo modes[128];
	struct drm_mode_get_connector get = { .connector_id = connector };

	drm(DRM_IOCTL_MODE_GETCONNECTOR, &get);
	get = (struct drm_mode_get_connector){ .connector_id = connector, .count_modes = 128,
					       .modes_ptr = (uintptr_t)modes };
	drm(DRM_IOCTL_MODE_GETCONNECTOR, &get);
	for (uint32_t i = 0; i < get.count_modes && i < 128; i++)
		if (modes[i].hdisplay == width && modes[i].vdisplay == height) {
			*mode = modes[i];
			return;
		}
	*mode = (struct drm_mode_modeinfo){ .clock = 60 * (width + 96) * (height + 32) / 1000,
					    .hdisplay = (uint16_t)width, .hsync_start = (uint16_t)(width + 16),
					    .hsync_end = (uint16_t)(width + 64), .htotal = (uint16_t)(width + 96),
					    .vdisplay = (uint16_t)height, .vsync_start = (uint16_t)(height + 4),
					    .vsync_end = (uint16_t)(height + 10), .vtotal = (uint16_t)(height + 32),
					    .vrefresh = 60 };
}

/* Shows the framebuffer in a mode of its size. */
static inline int show(uint32_t connector, uint32_t crtc, uint32_t fb, uint32_t width, uint32_t height)
{
	struct drm_mode_crtc set = { .crtc_id = crtc, .set_connectors_ptr = (uintptr_t)&connector,
				     .count_connectors = 1, .mode_valid = 1, .fb_id = fb };
	mode_for(connector, width, height, &set.mode);
	return drm(DRM_IOCTL_MODE_SETCRTC, &set);
}

static inline int mark_dirty(uint32_t fb, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct drm_clip_rect clip = { (uint16_t)x, (uint16_t)y, (uint16_t)(x + width), (uint16_t)(y + height) };
	struct drm_mode_fb_dirty_cmd dirty = { .fb_id = fb, .num_clips = 1, .clips_ptr = (uintptr_t)&clip };
	return drm(DRM_IOCTL_MODE_DIRTYFB, &dirty);
}

/* The card and its first output. Answers NULL or the name of what failed. */
static inline const char *open_first_output(uint32_t *connector, uint32_t *crtc)
{
	uint32_t connectors[16], crtcs[16];
	struct drm_mode_card_res res = { .count_connectors = 16, .count_crtcs = 16,
					 .connector_id_ptr = (uintptr_t)connectors, .crtc_id_ptr = (uintptr_t)crtcs };

	card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	if (card < 0)
		return "card0";
	if (drm(DRM_IOCTL_MODE_GETRESOURCES, &res) < 0 || !res.count_connectors || !res.count_crtcs)
		return "GETRESOURCES";
	*connector = connectors[0];
	*crtc = crtcs[0];
	return NULL;
}

#endif
