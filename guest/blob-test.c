/*
 * Guest side of the tests of blobs and contexts: drives the kernel's virtio-gpu driver with plain ioctls (static, no
 * libdrm). One process is one context.
 *
 *   blob-test serve IN OUT   see lib.h; objects stay until "close" or "quit".
 *
 * Commands (SLOT counts from 0; sizes in bytes):
 *   params                               -> ok {"features3d":...}  what the driver says that the device can do (JSON)
 *   capset ID VERSION                    -> ok HEX: 16 bytes of the capability set
 *   context CAPSET RINGS POLL_MASK       makes the context
 *   init CHANNEL                         makes the two rings of a cross-domain context and says so to the host
 *   image WIDTH HEIGHT FOURCC            -> ok {"stride":...}  GET_IMAGE_REQUIREMENTS (JSON)
 *   create SLOT host|guest|both BLOB_ID SIZE  -> ok RESOURCE_ID; mapped at once
 *   many COUNT BLOB_ID SIZE              host blobs in slots 0.., each with a byte pattern of its own
 *   many-check COUNT                     -> ok WRONG
 *   write SLOT OFFSET SIZE SEED          writes the byte pattern
 *   crc SLOT OFFSET SIZE                 -> ok CRC32 (hexadecimal)
 *   close SLOT
 *   frame SLOT WIDTH HEIGHT STRIDE OFFSET FORMAT   makes a framebuffer of the blob
 *   show SLOT SEED                       picture(SEED) in it, then a mode of its size on the first connector
 *   animate SLOTS COUNT SEED             page flips through the slots (0,1,2); frame i shows picture(SEED + i)
 *   paint SLOT X Y WIDTH HEIGHT SEED     draws a part into what is shown and says so (DIRTYFB)
 *   poll                                 asks for the next message of the channel (a fence on ring 1)
 *   event TIMEOUT_MS                     -> ok TYPE HEX: the event, and the start of the channel's ring
 *   quit
 *
 * byte_pattern() has its twin in test/e2e/harness/pattern.ts.
 */
#include "kms.h"
#include "lib.h"
#include "virtgpu.h"
#include <drm_fourcc.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define SLOTS 1024
#define RING_SIZE 4096
#define FLIP_TIMEOUT_MS 20000
/* From the protocol of cross-domain contexts. */
#define CROSS_DOMAIN_INIT 1
#define CROSS_DOMAIN_GET_IMAGE_REQUIREMENTS 2
#define CROSS_DOMAIN_POLL 3
#define IMAGE_SCANOUT_LINEAR 0x11

struct blob {
	uint32_t handle, resource, fb, width, height, stride, offset;
	uint64_t size;
	uint8_t *map;
};

static struct blob blobs[SLOTS], query_ring, channel_ring;
static uint32_t connector, crtc;

static const char *open_card(void)
{
	return open_first_output(&connector, &crtc);
}

static const char *hex(const uint8_t *data, size_t size)
{
	static char text[2 * 256 + 1];
	for (size_t i = 0; i < size && i < 256; i++)
		sprintf(text + 2 * i, "%02x", data[i]);
	return text;
}

static int do_params(void)
{
	static const char *const names[] = { "features3d", "capsetQueryFix", "resourceBlob", "hostVisible",
					     "crossDevice", "contextInit", "capsets" };

	fputs("ok {", answers);
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		int value = -1;
		struct virtgpu_getparam get = { .param = i + 1, .value = (uintptr_t)&value };
		if (drm(VIRTGPU_GETPARAM, &get) < 0)
			value = -1;
		fprintf(answers, "%s\"%s\":%d", i ? "," : "", names[i], value);
	}
	return answer("}");
}

static int do_capset(uint32_t id, uint32_t version)
{
	uint8_t data[16] = { 0 };
	struct virtgpu_get_caps get = { .id = id, .version = version, .address = (uintptr_t)data,
					    .size = sizeof data };
	if (drm(VIRTGPU_GET_CAPS, &get) < 0)
		return fail("GET_CAPS");
	return answer("ok %s", hex(data, sizeof data));
}

static int do_context(uint32_t capset, uint32_t rings, uint32_t poll_mask)
{
	struct virtgpu_context_param params[] = {
		{ CONTEXT_CAPSET_ID, capset },
		{ CONTEXT_NUM_RINGS, rings },
		{ CONTEXT_POLL_RINGS_MASK, poll_mask },
	};
	struct virtgpu_context_init init = { .count = 3, .params = (uintptr_t)params };
	return drm(VIRTGPU_CONTEXT_INIT, &init) < 0 ? fail("CONTEXT_INIT") : answer("ok");
}

/* ring < 0: a command that nobody waits for. */
static int submit(const void *command, uint32_t size, int ring, uint32_t bo)
{
	struct virtgpu_execbuffer exec = { .flags = ring < 0 ? 0 : EXECBUF_RING_IDX, .size = size,
					       .command = (uintptr_t)command, .bo_handles = (uintptr_t)&bo,
					       .num_bo_handles = bo ? 1 : 0, .fence_fd = -1,
					       .ring_idx = ring < 0 ? 0 : (uint32_t)ring };
	return drm(VIRTGPU_EXECBUFFER, &exec);
}

static void destroy_blob(struct blob *b)
{
	struct drm_gem_close gem = { .handle = b->handle };
	if (b->fb)
		drm(DRM_IOCTL_MODE_RMFB, &b->fb);
	if (b->map)
		munmap(b->map, b->size);
	if (b->handle)
		drm(DRM_IOCTL_GEM_CLOSE, &gem);
	memset(b, 0, sizeof *b);
}

/* Answers NULL or the name of what failed. */
static const char *create_blob(struct blob *b, uint32_t memory, uint64_t blob_id, uint64_t size)
{
	struct virtgpu_create_blob create = { .memory = memory, .size = size, .blob_id = blob_id,
							   .flags = BLOB_USE_MAPPABLE };
	struct virtgpu_map map = { 0 };

	destroy_blob(b);
	if (memory != BLOB_MEM_GUEST)
		create.flags |= BLOB_USE_SHAREABLE;
	if (drm(VIRTGPU_CREATE_BLOB, &create) < 0)
		return "CREATE_BLOB";
	b->handle = map.handle = create.handle;
	b->resource = create.resource;
	b->size = (size + 4095) & ~4095ull;
	if (drm(VIRTGPU_MAP, &map) < 0)
		return "MAP";
	b->map = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
	if (b->map == MAP_FAILED) {
		b->map = NULL;
		return "mmap";
	}
	return NULL;
}

static int do_init(uint32_t channel)
{
	const char *failed = create_blob(&query_ring, BLOB_MEM_GUEST, 0, RING_SIZE);
	if (!failed)
		failed = create_blob(&channel_ring, BLOB_MEM_GUEST, 0, RING_SIZE);
	if (failed)
		return fail(failed);
	uint32_t command[] = { CROSS_DOMAIN_INIT | 20 << 16, 0, query_ring.resource, channel_ring.resource, channel };
	return submit(command, sizeof command, -1, 0) < 0 ? fail("INIT") : answer("ok");
}

static int do_image(uint32_t width, uint32_t height, uint32_t format)
{
	uint32_t command[] = { CROSS_DOMAIN_GET_IMAGE_REQUIREMENTS | 24 << 16, 0, width, height, format,
			       IMAGE_SCANOUT_LINEAR };
	struct virtgpu_wait wait = { .handle = query_ring.handle };
	uint32_t reply[16];

	if (!query_ring.map)
		return answer("error no rings");
	memset(query_ring.map, 0, sizeof reply);
	if (submit(command, sizeof command, 0, query_ring.handle) < 0)
		return fail("GET_IMAGE_REQUIREMENTS");
	if (drm(VIRTGPU_WAIT, &wait) < 0)
		return fail("WAIT");
	memcpy(reply, query_ring.map, sizeof reply);
	return answer("ok {\"stride\":%u,\"offset\":%u,\"modifier\":%u,\"size\":%u,\"blobId\":%u,\"mapInfo\":%u}", reply[0],
		      reply[4], reply[8], reply[10], reply[12], reply[13]);
}

static int do_create(struct blob *b, const char *memory, uint64_t blob_id, uint64_t size)
{
	uint32_t kind = !strcmp(memory, "host")  ? BLOB_MEM_HOST3D
			: !strcmp(memory, "both") ? BLOB_MEM_HOST3D_GUEST
						  : BLOB_MEM_GUEST;
	const char *failed = create_blob(b, kind, kind == BLOB_MEM_GUEST ? 0 : blob_id, size);
	return failed ? fail(failed) : answer("ok %u", b->resource);
}

static void write_pattern(struct blob *b, uint64_t offset, uint64_t size, uint32_t seed)
{
	for (uint64_t i = offset; i < offset + size && i < b->size; i++)
		b->map[i] = byte_pattern((uint32_t)i, seed);
}

static int do_many(uint32_t count, uint64_t blob_id, uint64_t size)
{
	for (uint32_t i = 0; i < count && i < SLOTS; i++) {
		const char *failed = create_blob(&blobs[i], BLOB_MEM_HOST3D, blob_id, size);
		if (failed)
			return answer("error %s of blob %u: %s", failed, i, strerror(errno));
		write_pattern(&blobs[i], 0, size, i);
	}
	return answer("ok");
}

static int do_many_check(uint32_t count)
{
	uint32_t wrong = 0;
	for (uint32_t i = 0; i < count && i < SLOTS; i++) {
		uint64_t at = 0;
		while (blobs[i].map && at < blobs[i].size && blobs[i].map[at] == byte_pattern((uint32_t)at, i))
			at++;
		if (!blobs[i].map || at < blobs[i].size)
			wrong++;
	}
	return answer("ok %u", wrong);
}

static int do_frame(struct blob *b, uint32_t width, uint32_t height, uint32_t stride, uint32_t offset, uint32_t format)
{
	struct drm_mode_fb_cmd2 fb = { .width = width, .height = height, .pixel_format = format,
				       .handles = { b->handle }, .pitches = { stride }, .offsets = { offset } };
	if (stride < width * 4 || offset > b->size || (uint64_t)stride * height > b->size - offset)
		return answer("error the blob is too small");
	if (drm(DRM_IOCTL_MODE_ADDFB2, &fb) < 0)
		return fail("ADDFB2");
	b->fb = fb.fb_id;
	b->width = width;
	b->height = height;
	b->stride = stride;
	b->offset = offset;
	return answer("ok");
}

static void draw_blob(struct blob *b, uint32_t x0, uint32_t y0, uint32_t width, uint32_t height, uint32_t seed)
{
	for (uint32_t y = y0; y < y0 + height && y < b->height; y++) {
		uint32_t *row = (uint32_t *)(b->map + b->offset + (size_t)y * b->stride);
		for (uint32_t x = x0; x < x0 + width && x < b->width; x++)
			row[x] = picture(x, y, seed);
	}
}

static int do_show(struct blob *b, uint32_t seed)
{
	draw_blob(b, 0, 0, b->width, b->height, seed);
	return show(connector, crtc, b->fb, b->width, b->height) < 0 ? fail("SETCRTC") : answer("ok");
}

/* Waits for an event of that type; answers NULL or the name of what failed. */
static const char *wait_event(uint32_t type, int timeout_ms)
{
	char events[1024];
	struct pollfd p = { .fd = card, .events = POLLIN };
	for (;;) {
		if (poll(&p, 1, timeout_ms) != 1) {
			errno = ETIMEDOUT;
			return "event";
		}
		ssize_t n = read(card, events, sizeof events);
		for (ssize_t at = 0; at + (ssize_t)sizeof(struct drm_event) <= n;) {
			struct drm_event e;
			memcpy(&e, events + at, sizeof e);
			if (e.type == type)
				return NULL;
			at += e.length;
		}
	}
}

static int do_animate(const char *slots, uint32_t count, uint32_t seed)
{
	uint32_t ring[8], length = 0;
	for (const char *at = slots; at && length < 8; at = strchr(at, ','), at = at ? at + 1 : NULL)
		ring[length++] = (uint32_t)strtoul(at, NULL, 10) % SLOTS;
	for (uint32_t i = 0; i < count; i++) {
		struct blob *b = &blobs[ring[i % length]];
		struct drm_mode_crtc_page_flip flip = { .crtc_id = crtc, .fb_id = b->fb,
							.flags = DRM_MODE_PAGE_FLIP_EVENT };
		const char *failed;
		if (!b->fb)
			return answer("error no framebuffer");
		draw_blob(b, 0, 0, b->width, b->height, seed + i);
		if (drm(DRM_IOCTL_MODE_PAGE_FLIP, &flip) < 0)
			return fail("PAGE_FLIP");
		if ((failed = wait_event(DRM_EVENT_FLIP_COMPLETE, FLIP_TIMEOUT_MS)))
			return fail(failed);
	}
	return answer("ok");
}

static int do_paint(struct blob *b, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t seed)
{
	draw_blob(b, x, y, width, height, seed);
	return mark_dirty(b->fb, x, y, width, height) < 0 ? fail("DIRTYFB") : answer("ok");
}

static int do_poll(void)
{
	uint32_t command[] = { CROSS_DOMAIN_POLL | 16 << 16, 0, 0, 0 };
	return submit(command, sizeof command, 1, 0) < 0 ? fail("POLL") : answer("ok");
}

static int do_event(int timeout_ms)
{
	const char *failed = wait_event(VIRTGPU_EVENT_FENCE, timeout_ms);
	return failed ? fail(failed) : answer("ok %s", hex(channel_ring.map, 16));
}

/* The commands that work on one blob. */
static int run_on_blob(const char *line, struct blob *b)
{
	char word[16] = "";
	unsigned w, h, c, d, e;
	unsigned long long at, size;

	if (sscanf(line, "create %*u %15s %llu %llu", word, &at, &size) == 3)
		return do_create(b, word, at, size);
	if (!b->map)
		return answer("error no such blob");
	if (sscanf(line, "write %*u %llu %llu %u", &at, &size, &c) == 3) {
		write_pattern(b, at, size, c);
		return answer("ok");
	}
	if (sscanf(line, "crc %*u %llu %llu", &at, &size) == 2 && at <= b->size && size <= b->size - at)
		return answer("ok %08x", crc32(b->map + at, size));
	if (!strncmp(line, "close ", 6)) {
		destroy_blob(b);
		return answer("ok");
	}
	if (sscanf(line, "frame %*u %u %u %u %u %4s", &w, &h, &c, &d, word) == 5)
		return do_frame(b, w, h, c, d, fourcc_code(word[0], word[1], word[2], word[3]));
	if (!b->fb)
		return answer("error no framebuffer, or not understood: %s", line);
	if (sscanf(line, "show %*u %u", &c) == 1)
		return do_show(b, c);
	if (sscanf(line, "paint %*u %u %u %u %u %u", &w, &h, &c, &d, &e) == 5)
		return do_paint(b, w, h, c, d, e);
	return answer("error not understood: %s", line);
}

/* Answers 1 for "quit". */
static int run_command(const char *line)
{
	char word[64] = "";
	unsigned n, a, b;
	unsigned long long id, size;

	if (!strncmp(line, "quit", 4)) {
		answer("ok");
		return 1;
	}
	if (!strcmp(line, "params"))
		return do_params();
	if (!strcmp(line, "poll"))
		return do_poll();
	if (sscanf(line, "event %u", &n) == 1)
		return do_event((int)n);
	if (sscanf(line, "capset %u %u", &a, &b) == 2)
		return do_capset(a, b);
	if (sscanf(line, "context %u %u %u", &a, &b, &n) == 3)
		return do_context(a, b, n);
	if (sscanf(line, "init %u", &n) == 1)
		return do_init(n);
	if (sscanf(line, "image %u %u %4s", &a, &b, word) == 3)
		return do_image(a, b, fourcc_code(word[0], word[1], word[2] ? word[2] : ' ', word[3] ? word[3] : ' '));
	if (sscanf(line, "many %u %llu %llu", &n, &id, &size) == 3)
		return do_many(n, id, size);
	if (sscanf(line, "many-check %u", &n) == 1)
		return do_many_check(n);
	if (sscanf(line, "animate %63s %u %u", word, &a, &b) == 3)
		return do_animate(word, a, b);
	if (sscanf(line, "%*s %u", &n) != 1 || n >= SLOTS)
		return answer("error no such slot");
	return run_on_blob(line, &blobs[n]);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(argv[2], argv[3], open_card, run_command);
	fputs("usage: blob-test serve IN OUT\n", stderr);
	return 2;
}
