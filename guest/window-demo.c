/*
 * A Wayland client that draws straight into the host's window: what it shows is copied by nobody on the way to the
 * host's compositor. It needs the guest proxy (wayland-guest-proxy) and no library; what a program of your own needs is
 * src/wayland/protocol/xml/vhost-window-memory-v1.xml, wayland-scanner and `ask_for_memory` below.
 *
 *   window-demo [--plain] [FRAMES]
 *
 * Draws FRAMES frames (0, the default: without end) and says so. With --plain, or where there is no such memory, it
 * uses plain shared memory, which the proxy has to copy.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WIDTH 320u
#define HEIGHT 240u
#define BUFFER_SIZE (WIDTH * HEIGHT * 4)
#define BUFFERS 2
#define BAR 32u

/* Objects; the ids of the first ones never change. */
enum { DISPLAY = 1, REGISTRY, SYNC, COMPOSITOR, SHM, WM_BASE, WINDOW_MEMORY, SURFACE, XDG_SURFACE, TOPLEVEL, ALLOCATION, POOL,
       BUFFER, FRAME = BUFFER + BUFFERS };

static int server;
static struct global {
	const char *interface;
	uint32_t version, id, name;
} globals[] = {
	{ "wl_compositor", 4, COMPOSITOR, 0 },
	{ "wl_shm", 1, SHM, 0 },
	{ "xdg_wm_base", 1, WM_BASE, 0 },
	{ "vhost_window_memory_v1", 1, WINDOW_MEMORY, 0 },
};
static int synced, configured, closed, frame_due = 1, memory_asked, memory_fd = -1, memory_failed, busy[BUFFERS];
static uint32_t memory_size;

static void die(const char *what)
{
	fprintf(stderr, "window-demo: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(1);
}

/* One request of `count` words after the header; fd < 0: none. */
static void request_fd(uint32_t object, uint32_t opcode, const uint32_t *words, uint32_t count, int fd)
{
	uint32_t message[32] = { object, (8 + 4 * count) << 16 | opcode };
	struct iovec data = { message, 8 + 4 * count };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr header = { .msg_iov = &data, .msg_iovlen = 1 };

	memcpy(message + 2, words, 4 * count);
	if (fd >= 0) {
		header.msg_control = control;
		header.msg_controllen = sizeof control;
		struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
		*rights = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(rights), &fd, sizeof fd);
	}
	/* It blocks, and so it takes all. */
	if (sendmsg(server, &header, MSG_NOSIGNAL) != (ssize_t)data.iov_len)
		die("sending");
}

#define request(object, opcode, ...) \
	request_fd(object, opcode, (const uint32_t[]){ __VA_ARGS__ }, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, -1)

static void bind_global(const struct global *g)
{
	uint32_t words[24] = { g->name }, length = (uint32_t)strlen(g->interface) + 1, at = 2 + (length + 3) / 4;

	words[1] = length;
	memcpy(words + 2, g->interface, length);
	words[at] = g->version;
	words[at + 1] = g->id;
	request_fd(REGISTRY, 0, words, at + 2, -1);
}

static void on_global(const uint32_t *words)
{
	for (unsigned i = 0; i < sizeof globals / sizeof *globals; i++) {
		struct global *g = &globals[i];
		if (strcmp((const char *)(words + 2), g->interface))
			continue;
		g->name = words[0];
		if (words[2 + (words[1] + 3) / 4] < g->version)
			die(g->interface);
	}
}

static void on_event(uint32_t object, uint32_t opcode, const uint32_t *words)
{
	if (object == DISPLAY && opcode == 0) {
		errno = 0;
		die((const char *)(words + 3));
	} else if (object == REGISTRY && opcode == 0) {
		on_global(words);
	} else if (object == SYNC) {
		synced = 1;
	} else if (object == WM_BASE) {
		request(WM_BASE, 3, words[0]); /* pong */
	} else if (object == XDG_SURFACE) {
		request(XDG_SURFACE, 4, words[0]); /* ack_configure */
		configured = 1;
	} else if (object == TOPLEVEL && opcode == 1) {
		closed = 1;
	} else if (object == ALLOCATION && !memory_asked) {
		/* The end of a request that only used up the id. */
	} else if (object == ALLOCATION && opcode == 0) {
		memory_size = words[0]; /* (the descriptor came beside it) */
	} else if (object == ALLOCATION) {
		memory_failed = 1;
	} else if (object >= BUFFER && object < BUFFER + BUFFERS) {
		busy[object - BUFFER] = 0;
	} else if (object == DISPLAY && words[0] == FRAME) {
		frame_due = 1; /* delete_id: the callback was called, and its id is free */
	}
}

/* Waits for events and handles them. Only one of them all has a descriptor, so it is known whose it is. */
static void dispatch(void)
{
	static uint32_t data[16384];
	static size_t filled;
	char control[CMSG_SPACE(4 * sizeof(int))];
	struct iovec part = { (char *)data + filled, sizeof data - filled };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	const ssize_t got = recvmsg(server, &header, MSG_CMSG_CLOEXEC);

	if (got <= 0)
		die("the connection has ended");
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
		if (c->cmsg_type == SCM_RIGHTS)
			memcpy(&memory_fd, CMSG_DATA(c), sizeof memory_fd);
	filled += (size_t)got;
	size_t at = 0;
	while (filled - at >= 8) {
		const uint32_t *message = data + at / 4;
		const size_t size = message[1] >> 16;
		if (size < 8 || filled - at < size)
			break;
		at += size;
		on_event(message[0], message[1] & 0xffff, message + 2);
	}
	filled -= at;
	memmove(data, (char *)data + at, filled);
}

static void connect_to_proxy(void)
{
	const char *display = getenv("WAYLAND_DISPLAY"), *folder = getenv("XDG_RUNTIME_DIR");
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!display)
		display = "wayland-0";
	snprintf(address.sun_path, sizeof address.sun_path, "%s%s%s", *display == '/' || !folder ? "" : folder,
		 *display == '/' || !folder ? "" : "/", display);
	server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address))
		die(address.sun_path);
	request(DISPLAY, 1, REGISTRY); /* get_registry */
	request(DISPLAY, 0, SYNC);
	while (!synced)
		dispatch();
	for (unsigned i = 0; i < sizeof globals / sizeof *globals; i++) {
		if (globals[i].name)
			bind_global(&globals[i]);
		else if (globals[i].id == WINDOW_MEMORY)
			request(DISPLAY, 0, WINDOW_MEMORY); /* sync: ids are handed out without gaps */
		else
			die(globals[i].interface);
	}
}

/* Memory that the host sees, if there is any: a descriptor for mmap and wl_shm.create_pool. */
static int ask_for_memory(uint32_t size)
{
	if (!globals[3].name)
		return -1;
	memory_asked = 1;
	request(WINDOW_MEMORY, 1, ALLOCATION, size);
	while (!memory_size && !memory_failed)
		dispatch();
	return memory_failed ? -1 : memory_fd;
}

static uint32_t *make_buffers(int plain)
{
	int fd = plain ? -1 : ask_for_memory(BUFFERS * BUFFER_SIZE);

	printf("memory: %s\n", fd < 0 ? "plain" : "window");
	if (!memory_asked)
		request(DISPLAY, 0, ALLOCATION);
	if (fd < 0) {
		memory_size = BUFFERS * BUFFER_SIZE;
		fd = memfd_create("window-demo", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, memory_size))
			die("memfd");
	}
	uint32_t *pixels = mmap(NULL, memory_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pixels == MAP_FAILED)
		die("mmap");
	const uint32_t words[] = { POOL, memory_size };
	request_fd(SHM, 0, words, 2, fd);
	close(fd);
	for (uint32_t i = 0; i < BUFFERS; i++)
		request(POOL, 0, BUFFER + i, i * BUFFER_SIZE, WIDTH, HEIGHT, WIDTH * 4, 1);
	return pixels;
}

static void make_window(void)
{
	request(COMPOSITOR, 0, SURFACE);
	request(WM_BASE, 2, XDG_SURFACE, SURFACE);
	request(XDG_SURFACE, 1, TOPLEVEL);
	request_fd(SURFACE, 6, NULL, 0, -1); /* commit */
	while (!configured)
		dispatch();
}

/* A bar that moves to the right over a green ground: only what changed is drawn and damaged. */
static void draw(uint32_t *pixels, uint32_t frame)
{
	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < WIDTH; x++)
			pixels[y * WIDTH + x] = (x + WIDTH - frame % WIDTH) % WIDTH < BAR ? 0xffff8000 : 0xff204020 + (y & 0x7f);
}

int main(int argc, char **argv)
{
	const int plain = argc > 1 && !strcmp(argv[1], "--plain");
	const uint32_t frames = argc > 1 + plain ? (uint32_t)atoi(argv[1 + plain]) : 0;
	uint32_t frame = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	connect_to_proxy();
	make_window();
	uint32_t *pixels = make_buffers(plain);
	while (!closed && (!frames || frame < frames)) {
		const uint32_t i = frame % BUFFERS;
		if (!frame_due || busy[i]) {
			dispatch();
			continue;
		}
		draw(pixels + i * (BUFFER_SIZE / 4), frame);
		request(SURFACE, 3, FRAME); /* frame */
		request(SURFACE, 1, BUFFER + i, 0, 0); /* attach */
		request(SURFACE, 9, 0, 0, WIDTH, HEIGHT); /* damage_buffer */
		request_fd(SURFACE, 6, NULL, 0, -1);
		frame_due = 0;
		busy[i] = 1;
		frame++;
	}
	while (!closed && !frame_due)
		dispatch();
	printf("drawn: %u\n", frame);
	return 0;
}
