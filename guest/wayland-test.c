/*
 * Guest side of the tests of forwarded windows: a Wayland client that speaks the protocol without a library, so that it
 * can also break it.
 *
 *   wayland-test serve IN OUT    see lib.h
 *
 * Commands (one window at most; a new connection starts anew):
 *   connect PATH                 -> ok
 *   window WIDTH HEIGHT SEED shm|shared
 *                                -> ok WIDTH HEIGHT   opens a window that shows picture(SEED), in the size that the
 *                                compositor wants, or else in this one. `shared` takes memory that the host sees
 *                                (vhost_window_memory_v1)
 *   draw X Y WIDTH HEIGHT SEED   -> ok   another picture in a rectangle
 *   resized                      -> ok WIDTH HEIGHT   waits until the compositor wants another size, and draws the first
 *                                picture in it
 *   keymap                       -> ok BYTES CRC-32   of the seat's keyboard
 *   close                        -> ok   destroys the window
 *   violate object|role          -> ok ERROR   uses an object that isn't there, or makes a window of a window; what the
 *                                connection ended with
 *   quit
 * A drawing command returns when the compositor has shown the picture.
 */
#define _GNU_SOURCE
#include "lib.h"
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_MS 60000
#define MESSAGE_MAX 4096
#define BUFFERS 2

enum { DISPLAY = 1, REGISTRY, FIRST_FREE, SHM_XRGB8888 = 1 };

struct global {
	const char *interface;
	uint32_t version, object;
};

static struct global globals[] = {
	{ "wl_compositor", 4, 0 },
	{ "wl_shm", 1, 0 },
	{ "xdg_wm_base", 1, 0 },
	{ "wl_seat", 1, 0 },
	{ "vhost_window_memory_v1", 1, 0 },
};
#define COMPOSITOR globals[0].object
#define SHM globals[1].object
#define WM_BASE globals[2].object
#define SEAT globals[3].object
#define WINDOW_MEMORY globals[4].object

static int connection = -1;
static uint32_t next_id, synced, awaited_sync, frame_shown, released;
static uint32_t surface, xdg_surface, toplevel, frame, keyboard, allocation;
static uint32_t wanted[2], configured, width, height, first_seed, keymap_bytes, allocated_bytes;
static int received_fd = -1, shared;
static char ended_with[256];

static struct {
	uint8_t *map;
	uint64_t bytes;
	uint32_t pool, buffer[BUFFERS], busy[BUFFERS];
	int current;
} memory;

/* One request. Strings are given by `text`, which follows `count` words; a descriptor goes along unless it is -1. */
static int request(uint32_t object, uint16_t opcode, const uint32_t *words, int count, const char *text, int fd)
{
	uint32_t message[128] = { object };
	int length = 2;
	char control[CMSG_SPACE(sizeof fd)] = { 0 };
	struct iovec part = { .iov_base = message };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	memcpy(message + length, words, (size_t)count * 4);
	length += count;
	if (text) {
		message[length++] = (uint32_t)strlen(text) + 1;
		memcpy(message + length, text, strlen(text) + 1);
		length += (int)(strlen(text) + 4) / 4;
	}
	message[1] = (uint32_t)length << 18 | opcode;
	part.iov_len = (size_t)length * 4;
	if (fd >= 0) {
		struct cmsghdr *rights;
		header.msg_control = control;
		header.msg_controllen = sizeof control;
		rights = CMSG_FIRSTHDR(&header);
		*rights = (struct cmsghdr){ CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(rights), &fd, sizeof fd);
	}
	return sendmsg(connection, &header, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

#define SEND(object, opcode, ...)                                                                    \
	request(object, opcode, (uint32_t[]){ __VA_ARGS__ }, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, NULL, -1)

/* A bind names the interface and its version between the global's name and the new object. */
static void bind_global(uint32_t name, const char *interface)
{
	uint32_t words[16] = { name, (uint32_t)strlen(interface) + 1 };
	int length = 2 + (int)(strlen(interface) + 4) / 4;

	for (unsigned i = 0; i < sizeof globals / sizeof *globals; i++) {
		if (strcmp(interface, globals[i].interface) || globals[i].object)
			continue;
		memcpy(words + 2, interface, strlen(interface));
		words[length] = globals[i].version;
		words[length + 1] = globals[i].object = next_id++;
		request(REGISTRY, 0, words, length + 2, NULL, -1);
	}
}

static void shell_event(uint32_t object, uint16_t opcode, const uint32_t *args)
{
	if (object == WM_BASE) {
		SEND(WM_BASE, 3, args[0]);
	} else if (object == xdg_surface) {
		SEND(xdg_surface, 4, args[0]);
		configured = 1;
	} else if (object == toplevel && opcode == 0) {
		wanted[0] = args[0];
		wanted[1] = args[1];
	}
}

static void event(uint32_t object, uint16_t opcode, const uint32_t *args)
{
	if (object == DISPLAY && opcode == 0)
		snprintf(ended_with, sizeof ended_with, "%s", (const char *)(args + 3));
	else if (object == REGISTRY && opcode == 0)
		bind_global(args[0], (const char *)(args + 2));
	else if (object == awaited_sync)
		synced = 1;
	else if (object == frame)
		frame_shown = 1;
	else if (object == keyboard && opcode == 0)
		keymap_bytes = args[1];
	else if (object == allocation && opcode == 0)
		allocated_bytes = args[0];
	else if (object && (object == WM_BASE || object == xdg_surface || object == toplevel))
		shell_event(object, opcode, args);
	for (int i = 0; i < BUFFERS; i++)
		if (object && object == memory.buffer[i])
			memory.busy[i] = 0, released = 1;
}

static int receive(void *bytes, size_t size)
{
	char control[CMSG_SPACE(4 * sizeof(int))];
	struct iovec part = { .iov_base = bytes, .iov_len = size };
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};
	ssize_t count = recvmsg(connection, &header, MSG_CMSG_CLOEXEC);
	struct cmsghdr *rights = count > 0 ? CMSG_FIRSTHDR(&header) : NULL;

	if (rights) {
		if (received_fd >= 0)
			close(received_fd);
		memcpy(&received_fd, CMSG_DATA(rights), sizeof received_fd);
	}
	return (int)count;
}

/* Handles events until *flag is set; -1 when the connection ends before, or after a minute. */
static int wait_for(const uint32_t *flag)
{
	static uint32_t bytes[MESSAGE_MAX / 4];
	static size_t have;
	struct pollfd ready = { .fd = connection, .events = POLLIN };

	while (!*flag) {
		int count;
		size_t used = 0;
		if (poll(&ready, 1, TIMEOUT_MS) <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if ((count = receive((char *)bytes + have, sizeof bytes - have)) <= 0) {
			have = 0;
			errno = ECONNRESET;
			return -1;
		}
		for (have += (size_t)count; have - used >= 8;) {
			const uint32_t *message = bytes + used / 4;
			size_t length = message[1] >> 16;
			if (length < 8 || length > have - used)
				break;
			event(message[0], (uint16_t)message[1], message + 2);
			used += length;
		}
		have -= used;
		memmove(bytes, (char *)bytes + used, have);
	}
	return 0;
}

static int roundtrip(void)
{
	synced = 0;
	SEND(DISPLAY, 0, awaited_sync = next_id++);
	return wait_for(&synced);
}

static int do_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	if (connection >= 0)
		close(connection);
	for (unsigned i = 0; i < sizeof globals / sizeof *globals; i++)
		globals[i].object = 0;
	surface = xdg_surface = toplevel = frame = keyboard = allocation = 0;
	memset(&memory, 0, sizeof memory);
	next_id = FIRST_FREE;
	ended_with[0] = 0;
	connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(connection, (struct sockaddr *)&address, sizeof address) < 0)
		return fail(path);
	SEND(DISPLAY, 1, REGISTRY);
	return roundtrip() < 0 ? fail("globals") : answer("ok");
}

static int memory_fd(uint32_t bytes)
{
	if (!shared) {
		int fd = memfd_create("wayland-test", MFD_CLOEXEC);
		return fd < 0 || ftruncate(fd, bytes) < 0 ? -1 : fd;
	}
	if (allocation)
		request(allocation, 0, NULL, 0, NULL, -1);
	allocated_bytes = 0;
	SEND(WINDOW_MEMORY, 1, allocation = next_id++, bytes);
	if (wait_for(&allocated_bytes) < 0)
		return -1;
	memory.bytes = allocated_bytes;
	return dup(received_fd);
}

/* New memory for two buffers of the window's size. */
static int make_memory(void)
{
	uint32_t stride = width * 4, half = stride * height;
	int fd;

	if (memory.map)
		munmap(memory.map, memory.bytes);
	for (int i = 0; memory.pool && i < BUFFERS; i++)
		SEND(memory.buffer[i], 0);
	if (memory.pool)
		request(memory.pool, 1, NULL, 0, NULL, -1);
	memset(&memory, 0, sizeof memory);
	memory.bytes = half * BUFFERS;
	if ((fd = memory_fd(half * BUFFERS)) < 0)
		return -1;
	memory.map = mmap(NULL, memory.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memory.pool = next_id++;
	request(SHM, 0, (uint32_t[]){ memory.pool, (uint32_t)memory.bytes }, 2, NULL, fd);
	close(fd);
	for (uint32_t i = 0; i < BUFFERS; i++) {
		memory.buffer[i] = next_id++;
		SEND(memory.pool, 0, memory.buffer[i], i * half, width, height, stride, SHM_XRGB8888);
	}
	return memory.map == MAP_FAILED ? -1 : 0;
}

/* The picture in a rectangle of the other buffer, which otherwise equals the one that is shown; then shows it. */
static int show(uint32_t x, uint32_t y, uint32_t w, uint32_t h, uint32_t seed)
{
	uint32_t half = width * height * 4, *pixels;
	int next = !memory.current;

	while (memory.busy[next]) {
		released = 0;
		if (wait_for(&released) < 0)
			return -1;
	}
	memcpy(memory.map + (uint32_t)next * half, memory.map + (uint32_t)memory.current * half, half);
	pixels = (uint32_t *)(memory.map + (uint32_t)next * half);
	for (uint32_t row = y; row < y + h; row++)
		for (uint32_t column = x; column < x + w; column++)
			pixels[row * width + column] = picture(column, row, seed);
	memory.current = next;
	memory.busy[next] = 1;
	frame_shown = 0;
	SEND(surface, 3, frame = next_id++);
	SEND(surface, 1, memory.buffer[next], 0, 0);
	SEND(surface, 9, x, y, w, h);
	request(surface, 6, NULL, 0, NULL, -1);
	return wait_for(&frame_shown);
}

static int show_all(void)
{
	if (wanted[0] && wanted[1]) {
		width = wanted[0];
		height = wanted[1];
	}
	if (make_memory() < 0 || show(0, 0, width, height, first_seed) < 0)
		return fail(ended_with[0] ? ended_with : "window");
	return answer("ok %u %u", width, height);
}

static int do_window(const char *kind)
{
	shared = !strcmp(kind, "shared");
	if (!COMPOSITOR || !SHM || !WM_BASE || (shared && !WINDOW_MEMORY))
		return answer("error a global is missing");
	wanted[0] = wanted[1] = configured = 0;
	SEND(COMPOSITOR, 0, surface = next_id++);
	SEND(WM_BASE, 2, xdg_surface = next_id++, surface);
	SEND(xdg_surface, 1, toplevel = next_id++);
	request(toplevel, 2, NULL, 0, "test window", -1);
	request(toplevel, 3, NULL, 0, "wayland-test", -1);
	request(surface, 6, NULL, 0, NULL, -1);
	if (wait_for(&configured) < 0)
		return fail(ended_with[0] ? ended_with : "configure");
	return show_all();
}

static int do_resized(void)
{
	while (!wanted[0] || (wanted[0] == width && wanted[1] == height)) {
		configured = 0;
		if (wait_for(&configured) < 0)
			return fail("resize");
	}
	return show_all();
}

static int do_keymap(void)
{
	uint8_t *map;

	keymap_bytes = 0;
	SEND(SEAT, 1, keyboard = next_id++);
	if (!SEAT || wait_for(&keymap_bytes) < 0)
		return fail("keymap");
	map = mmap(NULL, keymap_bytes, PROT_READ, MAP_PRIVATE, received_fd, 0);
	if (map == MAP_FAILED)
		return fail("mmap");
	return answer("ok %u %u", keymap_bytes, crc32(map, keymap_bytes));
}

static int do_close(void)
{
	request(toplevel, 0, NULL, 0, NULL, -1);
	request(xdg_surface, 0, NULL, 0, NULL, -1);
	request(surface, 0, NULL, 0, NULL, -1);
	surface = xdg_surface = toplevel = 0;
	return roundtrip() < 0 ? fail("close") : answer("ok");
}

static int do_violate(const char *what)
{
	uint32_t never = 0;

	if (!strcmp(what, "object"))
		SEND(0xfedcba, 1, 0, 0, 0);
	else
		SEND(xdg_surface, 1, next_id++);
	return wait_for(&never) < 0 && errno == ECONNRESET ? answer("ok %s", ended_with) : fail("still connected");
}

static int run_command(const char *line)
{
	char word[100];
	uint32_t x, y, w, h, seed;

	if (sscanf(line, "connect %99s", word) == 1)
		return do_connect(word);
	if (sscanf(line, "window %u %u %u %99s", &width, &height, &first_seed, word) == 4)
		return do_window(word);
	if (sscanf(line, "draw %u %u %u %u %u", &x, &y, &w, &h, &seed) == 5)
		return show(x, y, w, h, seed) < 0 ? fail("draw") : answer("ok");
	if (!strcmp(line, "resized"))
		return do_resized();
	if (!strcmp(line, "keymap"))
		return do_keymap();
	if (!strcmp(line, "close"))
		return do_close();
	if (sscanf(line, "violate %99s", word) == 1)
		return do_violate(word);
	return !strcmp(line, "quit") ? answer("ok"), 1 : answer("error unknown command");
}

static const char *start(void) { return NULL; }

int main(int argc, char **argv)
{
	return argc != 4 || strcmp(argv[1], "serve") ? 2 : serve(argv[2], argv[3], start, run_command);
}
