/*
 * Guest side of the end-to-end tests: drives the kernel's mode setting with plain ioctls (no libdrm, static).
 *
 *   drm-test serve IN OUT   reads one command a line from the FIFO IN, answers one line on the FIFO OUT:
 *                           "ok ..." or "error ...". Pictures stay up until "quit".
 *   drm-test console        prints the text console's font and screen contents as hexadecimal, so that the
 *                           host can draw the same picture and compare pixels.
 *
 * Commands (CONNECTOR counts from 0):
 *   info                                         -> ok {"connectors":[...]}  (JSON)
 *   mode CONNECTOR WIDTH HEIGHT FORMAT SEED      picture(SEED) in a new mode; FORMAT: XR24 or AR24
 *   off CONNECTOR
 *   flip CONNECTOR COUNT SEED                    COUNT page flips; frame i shows picture(SEED + i)
 *   dirty CONNECTOR X Y WIDTH HEIGHT SEED        draws a part anew and says so (DIRTYFB)
 *   cursor CONNECTOR WIDTH HEIGHT HOTX HOTY SEED
 *   move CONNECTOR X Y
 *   hide CONNECTOR
 *   quit
 *
 * cursor_pixel() has its twin in test/e2e/harness/pattern.ts.
 */
#include "kms.h"
#include "lib.h"
#include <drm_fourcc.h>
#include <fcntl.h>
#include <linux/kd.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_OUTPUTS 16
#define MAX_MODES 128
#define MAX_PLANES 64
#define FLIP_TIMEOUT_MS 20000

struct output {
	uint32_t connector, crtc;
	uint32_t format;
	struct buffer front, back, cursor;
};

static struct output outputs[MAX_OUTPUTS];
static int output_count;

static uint32_t cursor_pixel(uint32_t x, uint32_t y, uint32_t seed)
{
	uint32_t alpha = x >= 48 ? 0x80 : ((x >> 3) + (y >> 3)) & 1 ? 0xff : 0;
	uint32_t value = picture(x, y, seed);
	/* Premultiplied: no channel above alpha. */
	uint32_t r = (value >> 16 & 255) * alpha / 255, g = (value >> 8 & 255) * alpha / 255, b = (value & 255) * alpha / 255;
	return alpha << 24 | r << 16 | g << 8 | b;
}

static int get_connector(uint32_t id, struct drm_mode_get_connector *c, struct drm_mode_modeinfo *modes)
{
	static uint32_t props[64], encoders[16];
	static uint64_t values[64];
	/* Asked with no room first: that makes the kernel probe. */
	memset(c, 0, sizeof *c);
	c->connector_id = id;
	if (drm(DRM_IOCTL_MODE_GETCONNECTOR, c) < 0)
		return -1;
	if (c->count_modes > MAX_MODES || c->count_props > 64 || c->count_encoders > 16) {
		errno = E2BIG;
		return -1;
	}
	c->modes_ptr = (uintptr_t)modes;
	c->props_ptr = (uintptr_t)props;
	c->prop_values_ptr = (uintptr_t)values;
	c->encoders_ptr = (uintptr_t)encoders;
	return drm(DRM_IOCTL_MODE_GETCONNECTOR, c);
}

static const char *open_card(void)
{
	uint32_t connectors[MAX_OUTPUTS], crtcs[MAX_OUTPUTS], encoders[MAX_OUTPUTS], fbs[64];
	struct drm_set_client_cap planes = { .capability = DRM_CLIENT_CAP_UNIVERSAL_PLANES, .value = 1 };
	struct drm_mode_card_res res = { 0 };

	card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	if (card < 0 || drm(DRM_IOCTL_SET_CLIENT_CAP, &planes) < 0)
		return "card0";
	res.count_connectors = res.count_crtcs = res.count_encoders = MAX_OUTPUTS;
	res.count_fbs = 64;
	res.connector_id_ptr = (uintptr_t)connectors;
	res.crtc_id_ptr = (uintptr_t)crtcs;
	res.encoder_id_ptr = (uintptr_t)encoders;
	res.fb_id_ptr = (uintptr_t)fbs;
	if (drm(DRM_IOCTL_MODE_GETRESOURCES, &res) < 0)
		return "GETRESOURCES";
	/* virtio-gpu: connector i can only be driven by CRTC i. */
	output_count = (int)(res.count_connectors < res.count_crtcs ? res.count_connectors : res.count_crtcs);
	if (output_count > MAX_OUTPUTS)
		output_count = MAX_OUTPUTS;
	for (int i = 0; i < output_count; i++) {
		outputs[i].connector = connectors[i];
		outputs[i].crtc = crtcs[i];
	}
	return NULL;
}

static int do_info(void)
{
	static struct drm_mode_modeinfo modes[MAX_MODES];
	struct drm_mode_get_connector c;
	uint32_t planes[MAX_PLANES], formats[64];
	struct drm_mode_get_plane_res res = { .plane_id_ptr = (uintptr_t)planes, .count_planes = MAX_PLANES };

	fputs("ok {\"connectors\":[", answers);
	for (int i = 0; i < output_count; i++) {
		if (get_connector(outputs[i].connector, &c, modes) < 0)
			c.count_modes = 0;
		fprintf(answers, "%s{\"id\":%u,\"crtc\":%u,\"connected\":%s,\"widthMm\":%u,\"heightMm\":%u,\"modes\":[",
			i ? "," : "", outputs[i].connector, outputs[i].crtc, c.connection == 1 ? "true" : "false",
			c.mm_width, c.mm_height);
		for (uint32_t m = 0; m < c.count_modes; m++)
			fprintf(answers, "%s{\"width\":%u,\"height\":%u,\"refresh\":%u,\"preferred\":%s}", m ? "," : "",
				modes[m].hdisplay, modes[m].vdisplay, modes[m].vrefresh,
				modes[m].type & DRM_MODE_TYPE_PREFERRED ? "true" : "false");
		fputs("]}", answers);
	}
	fputs("],\"planes\":[", answers);
	if (drm(DRM_IOCTL_MODE_GETPLANERESOURCES, &res) < 0)
		res.count_planes = 0;
	for (uint32_t p = 0; p < res.count_planes && p < MAX_PLANES; p++) {
		struct drm_mode_get_plane plane = { .plane_id = planes[p], .count_format_types = 64,
						    .format_type_ptr = (uintptr_t)formats };
		if (drm(DRM_IOCTL_MODE_GETPLANE, &plane) < 0)
			plane.count_format_types = 0;
		fprintf(answers, "%s{\"possibleCrtcs\":%u,\"formats\":[", p ? "," : "", plane.possible_crtcs);
		for (uint32_t f = 0; f < plane.count_format_types; f++)
			fprintf(answers, "%s\"%.4s\"", f ? "," : "", (const char *)&formats[f]);
		fputs("]}", answers);
	}
	return answer("]}");
}

static int do_mode(struct output *o, uint32_t width, uint32_t height, uint32_t format, uint32_t seed)
{
	static struct drm_mode_modeinfo modes[MAX_MODES];
	struct drm_mode_get_connector c;
	struct drm_mode_crtc set = { .crtc_id = o->crtc, .set_connectors_ptr = (uintptr_t)&o->connector,
				     .count_connectors = 1, .mode_valid = 1 };
	struct buffer front, back;
	uint32_t m;

	if (get_connector(o->connector, &c, modes) < 0)
		return fail("GETCONNECTOR");
	for (m = 0; m < c.count_modes; m++)
		if (modes[m].hdisplay == width && modes[m].vdisplay == height)
			break;
	if (m == c.count_modes)
		return answer("error no mode %ux%u among %u", width, height, c.count_modes);
	if (create_buffer(&front, width, height, format) < 0 || create_buffer(&back, width, height, format) < 0)
		return fail("buffer");
	draw(&front, 0, 0, width, height, seed);
	set.fb_id = front.fb;
	set.mode = modes[m];
	if (drm(DRM_IOCTL_MODE_SETCRTC, &set) < 0) {
		fail("SETCRTC");
		destroy_buffer(&front);
		destroy_buffer(&back);
		return 0;
	}
	destroy_buffer(&o->front);
	destroy_buffer(&o->back);
	o->front = front;
	o->back = back;
	o->format = format;
	return answer("ok");
}

static int do_off(struct output *o)
{
	struct drm_mode_crtc set = { .crtc_id = o->crtc };
	if (drm(DRM_IOCTL_MODE_SETCRTC, &set) < 0)
		return fail("SETCRTC");
	destroy_buffer(&o->front);
	destroy_buffer(&o->back);
	return answer("ok");
}

static int wait_flip(void)
{
	char events[1024];
	struct pollfd p = { .fd = card, .events = POLLIN };
	if (poll(&p, 1, FLIP_TIMEOUT_MS) != 1) {
		errno = ETIMEDOUT;
		return -1;
	}
	ssize_t n = read(card, events, sizeof events);
	for (ssize_t at = 0; at + (ssize_t)sizeof(struct drm_event) <= n;) {
		struct drm_event e;
		memcpy(&e, events + at, sizeof e);
		if (e.type == DRM_EVENT_FLIP_COMPLETE)
			return 0;
		at += e.length;
	}
	errno = EIO;
	return -1;
}

static int do_flip(struct output *o, uint32_t count, uint32_t seed)
{
	for (uint32_t i = 0; i < count; i++) {
		struct drm_mode_crtc_page_flip flip = { .crtc_id = o->crtc, .fb_id = o->back.fb,
							.flags = DRM_MODE_PAGE_FLIP_EVENT };
		struct buffer shown = o->front;
		draw(&o->back, 0, 0, o->back.width, o->back.height, seed + i);
		if (drm(DRM_IOCTL_MODE_PAGE_FLIP, &flip) < 0)
			return fail("PAGE_FLIP");
		if (wait_flip() < 0)
			return fail("flip event");
		o->front = o->back;
		o->back = shown;
	}
	return answer("ok");
}

static int do_dirty(struct output *o, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t seed)
{
	draw(&o->front, x, y, width, height, seed);
	return mark_dirty(o->front.fb, x, y, width, height) < 0 ? fail("DIRTYFB") : answer("ok");
}

static int do_cursor(struct output *o, uint32_t width, uint32_t height, int hot_x, int hot_y, uint32_t seed)
{
	struct drm_mode_cursor2 cursor = { .flags = DRM_MODE_CURSOR_BO, .crtc_id = o->crtc, .width = width,
					   .height = height, .hot_x = hot_x, .hot_y = hot_y };
	struct buffer b;
	if (create_buffer(&b, width, height, 0) < 0)
		return fail("buffer");
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++)
			((uint32_t *)(b.map + (size_t)y * b.pitch))[x] = cursor_pixel(x, y, seed);
	cursor.handle = b.handle;
	if (drm(DRM_IOCTL_MODE_CURSOR2, &cursor) < 0) {
		fail("CURSOR2");
		destroy_buffer(&b);
		return 0;
	}
	destroy_buffer(&o->cursor);
	o->cursor = b;
	return answer("ok");
}

static int do_move(struct output *o, int x, int y)
{
	struct drm_mode_cursor2 cursor = { .flags = DRM_MODE_CURSOR_MOVE, .crtc_id = o->crtc, .x = x, .y = y };
	return drm(DRM_IOCTL_MODE_CURSOR2, &cursor) < 0 ? fail("CURSOR2") : answer("ok");
}

static int do_hide(struct output *o)
{
	struct drm_mode_cursor2 cursor = { .flags = DRM_MODE_CURSOR_BO, .crtc_id = o->crtc };
	if (drm(DRM_IOCTL_MODE_CURSOR2, &cursor) < 0)
		return fail("CURSOR2");
	destroy_buffer(&o->cursor);
	return answer("ok");
}

/* Answers 1 for "quit". */
static int run_command(const char *line)
{
	char format[5] = "";
	unsigned n, a, b, c, d, e;
	int x, y;

	if (!strncmp(line, "quit", 4)) {
		answer("ok");
		return 1;
	}
	if (!strncmp(line, "info", 4))
		return do_info();
	if (sscanf(line, "%*s %u", &n) != 1 || n >= (unsigned)output_count)
		return answer("error no such connector");
	struct output *o = &outputs[n];
	if (sscanf(line, "mode %*u %u %u %4s %u", &a, &b, format, &c) == 4)
		return do_mode(o, a, b, fourcc_code(format[0], format[1], format[2], format[3]), c);
	if (!strncmp(line, "off ", 4))
		return do_off(o);
	if (sscanf(line, "flip %*u %u %u", &a, &b) == 2 && o->back.map)
		return do_flip(o, a, b);
	if (sscanf(line, "dirty %*u %u %u %u %u %u", &a, &b, &c, &d, &e) == 5 && o->front.map)
		return do_dirty(o, a, b, c, d, e);
	if (sscanf(line, "cursor %*u %u %u %d %d %u", &a, &b, &x, &y, &c) == 5)
		return do_cursor(o, a, b, x, y, c);
	if (sscanf(line, "move %*u %d %d", &x, &y) == 2)
		return do_move(o, x, y);
	if (!strncmp(line, "hide ", 5))
		return do_hide(o);
	return answer("error not understood: %s", line);
}

static int console(void)
{
	static unsigned char glyphs[512 * 32 * 4], screen[4 + 512 * 256 * 2];
	struct console_font_op op = { .op = KD_FONT_OP_GET, .width = 32, .height = 32, .charcount = 512, .data = glyphs };
	int tty = open("/dev/tty1", O_RDWR), cells = open("/dev/vcsa1", O_RDONLY);
	ssize_t length, n;

	if (tty < 0 || cells < 0 || ioctl(tty, KDFONTOP, &op) < 0) {
		perror("drm-test: console");
		return 1;
	}
	for (length = 0; length < (ssize_t)sizeof screen; length += n)
		if ((n = read(cells, screen + length, sizeof screen - (size_t)length)) <= 0)
			break;
	unsigned row_bytes = (op.width + 7) / 8;
	printf("{\"width\":%u,\"height\":%u,\"count\":%u,\"glyphs\":\"", op.width, op.height, op.charcount);
	for (unsigned g = 0; g < op.charcount; g++)
		for (unsigned i = 0; i < op.height * row_bytes; i++)
			printf("%02x", glyphs[g * 32 * row_bytes + i]);
	printf("\",\"rows\":%u,\"columns\":%u,\"cells\":\"", screen[0], screen[1]);
	for (ssize_t i = 4; i < length; i++)
		printf("%02x", screen[i]);
	puts("\"}");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(argv[2], argv[3], open_card, run_command);
	if (argc == 2 && !strcmp(argv[1], "console"))
		return console();
	fputs("usage: drm-test serve IN OUT | drm-test console\n", stderr);
	return 2;
}
