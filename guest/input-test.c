/*
 * Guest side of the tests of input: reads every evdev device, and draws what comes, so that a key or a click changes
 * the guest's picture.
 *
 *   input-test serve IN OUT   see lib.h
 *
 * Commands:
 *   devices                      -> ok ["name",...]  those that were there at the start (JSON)
 *   canvas WIDTH HEIGHT          shows a black canvas of that size on the first output
 *   wait COUNT TIMEOUT_MS        -> ok [[device,type,code,value],...]: events that were not told yet, as soon as there are
 *                                COUNT of them (JSON; without EV_SYN, EV_MSC and key repeats)
 *   quit
 *
 * What is drawn on the canvas (twin: inputPicture() in test/e2e/harness/input-test.ts):
 *   a key goes down     the 8x8 field number CODE (64 fields a row) turns white
 *   a button goes down  a 16x16 square with its middle at the (absolute) pointer turns red
 *   a wheel turns       the field number 512 + 8 + VALUE turns green
 */
#include "kms.h"
#include "lib.h"
#include <drm_fourcc.h>
#include <glob.h>
#include <linux/input.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEVICES 16
#define MAX_EVENTS 512
#define FIELD 8
#define FIELDS_PER_ROW 64

struct event {
	int device;
	uint16_t type, code;
	int32_t value;
};

static struct pollfd devices[MAX_DEVICES];
static struct input_absinfo axes[2];
static int device_count;
static struct event events[MAX_EVENTS];
static unsigned event_count;
static uint32_t connector, crtc;
static struct buffer canvas;
static int32_t position[2];

static const char *start(void)
{
	glob_t paths;

	if (glob("/dev/input/event*", 0, NULL, &paths))
		return "no input devices";
	for (size_t i = 0; i < paths.gl_pathc && device_count < MAX_DEVICES; i++) {
		int fd = open(paths.gl_pathv[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			return paths.gl_pathv[i];
		devices[device_count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
		for (int axis = 0; axis < 2; axis++) {
			struct input_absinfo info;
			if (ioctl(fd, EVIOCGABS((unsigned)(ABS_X + axis)), &info) == 0 && info.maximum > 0)
				axes[axis] = info;
		}
	}
	return open_first_output(&connector, &crtc);
}

static int do_devices(void)
{
	fputs("ok [", answers);
	for (int i = 0; i < device_count; i++) {
		char name[128] = "";
		ioctl(devices[i].fd, EVIOCGNAME(sizeof name), name);
		fprintf(answers, "%s\"%s\"", i ? "," : "", name);
	}
	return answer("]");
}

static int do_canvas(uint32_t width, uint32_t height)
{
	destroy_buffer(&canvas);
	if (create_buffer(&canvas, width, height, DRM_FORMAT_XRGB8888) < 0)
		return fail("buffer");
	memset(canvas.map, 0, canvas.size);
	return show(connector, crtc, canvas.fb, width, height) < 0 ? fail("SETCRTC") : answer("ok");
}

static void fill(int32_t x0, int32_t y0, int32_t size, uint32_t color)
{
	if (!canvas.map)
		return;
	for (int32_t y = y0 < 0 ? 0 : y0; y < y0 + size && y < (int32_t)canvas.height; y++)
		for (int32_t x = x0 < 0 ? 0 : x0; x < x0 + size && x < (int32_t)canvas.width; x++)
			((uint32_t *)(canvas.map + (size_t)y * canvas.pitch))[x] = color;
	mark_dirty(canvas.fb, 0, 0, canvas.width, canvas.height);
}

static void fill_field(int32_t number, uint32_t color)
{
	fill(number % FIELDS_PER_ROW * FIELD, number / FIELDS_PER_ROW * FIELD, FIELD, color);
}

static int32_t on_canvas(int axis, uint32_t size)
{
	int64_t range = (int64_t)axes[axis].maximum - axes[axis].minimum + 1;
	return (int32_t)((position[axis] - axes[axis].minimum) * (int64_t)size / range);
}

static void draw_event(const struct input_event *e)
{
	if (e->type == EV_ABS && (e->code == ABS_X || e->code == ABS_Y))
		position[e->code - ABS_X] = e->value;
	else if (e->type == EV_REL && e->code == REL_WHEEL)
		fill_field(512 + 8 + e->value, 0x00ff00);
	else if (e->type == EV_KEY && e->value == 1 && e->code >= BTN_MISC)
		fill(on_canvas(0, canvas.width) - 8, on_canvas(1, canvas.height) - 8, 16, 0xff0000);
	else if (e->type == EV_KEY && e->value == 1)
		fill_field(e->code, 0xffffff);
}

static void read_events(int timeout_ms)
{
	struct input_event e;

	if (poll(devices, (nfds_t)device_count, timeout_ms) <= 0)
		return;
	for (int i = 0; i < device_count; i++)
		while (read(devices[i].fd, &e, sizeof e) == sizeof e) {
			if (e.type == EV_SYN || e.type == EV_MSC || (e.type == EV_KEY && e.value == 2))
				continue;
			draw_event(&e);
			if (event_count < MAX_EVENTS)
				events[event_count++] = (struct event){ i, e.type, e.code, e.value };
		}
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static int do_wait(unsigned count, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;

	for (int64_t now = now_ms(); event_count < count && now < end; now = now_ms())
		read_events((int)(end - now));
	fputs("ok [", answers);
	for (unsigned i = 0; i < event_count; i++)
		fprintf(answers, "%s[%d,%u,%u,%d]", i ? "," : "", events[i].device, events[i].type, events[i].code,
			events[i].value);
	event_count = 0;
	return answer("]");
}

static int run_command(const char *line)
{
	unsigned a, b;

	if (!strncmp(line, "quit", 4)) {
		answer("ok");
		return 1;
	}
	if (!strcmp(line, "devices"))
		return do_devices();
	if (sscanf(line, "canvas %u %u", &a, &b) == 2)
		return do_canvas(a, b);
	if (sscanf(line, "wait %u %u", &a, &b) == 2)
		return do_wait(a, (int)b);
	return answer("error not understood: %s", line);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(argv[2], argv[3], start, run_command);
	fputs("usage: input-test serve IN OUT\n", stderr);
	return 2;
}
