/*
 * What the guest's test programs share: the test patterns, ioctls that are tried again, and the service over two
 * FIFOs: one command a line comes in, one line goes out, "ok ..." or "error ...". Each program includes it once.
 */
#ifndef LIB_H
#define LIB_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static FILE *answers;

/* Its twin is pictureColor() in test/e2e/harness/pattern.ts. */
static inline uint32_t picture(uint32_t x, uint32_t y, uint32_t seed)
{
	uint32_t r = (x + seed * 17) & 255;
	uint32_t g = (y * 3 + seed * 31) & 255;
	uint32_t b = ((x ^ y) + seed * 7) & 255;
	/* The byte that XRGB ignores and that makes ARGB opaque. */
	return 0xff000000u | r << 16 | g << 8 | b;
}

/* Byte i of shared memory: differs between neighbours, pages and seeds. Its twin is bytePattern(), there, too. */
static inline uint8_t byte_pattern(uint32_t i, uint32_t seed)
{
	return (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16) * 29 + seed * 101);
}

static inline uint32_t crc32(const uint8_t *data, uint64_t size)
{
	static uint32_t table[256];
	uint32_t crc = ~0u;

	if (!table[1])
		for (uint32_t i = 0; i < 256; i++) {
			table[i] = i;
			for (int bit = 0; bit < 8; bit++)
				table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
		}
	for (uint64_t i = 0; i < size; i++)
		crc = crc >> 8 ^ table[(crc ^ data[i]) & 255];
	return ~crc;
}

__attribute__((format(printf, 1, 2))) static inline int answer(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vfprintf(answers, format, args);
	va_end(args);
	fputc('\n', answers);
	fflush(answers);
	return 0;
}

static inline int fail(const char *what)
{
	return answer("error %s: %s", what, strerror(errno));
}

/* Interrupted ioctls are tried again, as libdrm does. */
static inline int retried_ioctl(int fd, unsigned long request, void *argument)
{
	int result;
	do
		result = ioctl(fd, request, argument);
	while (result < 0 && (errno == EINTR || errno == EAGAIN));
	return result;
}

/*
 * Answers commands until run_command returns something else than 0. `start` opens what the program works on; it
 * returns NULL or the name of what failed.
 */
static inline int serve(const char *in_path, const char *out_path, const char *(*start)(void),
		 int (*run_command)(const char *line))
{
	char line[1024];
	/* Opened for both directions: the FIFOs outlive each writer and reader on the other side. */
	FILE *in = fopen(in_path, "r+");
	const char *failed;

	answers = fopen(out_path, "r+");
	if (!in || !answers) {
		perror("FIFO");
		return 1;
	}
	if ((failed = start())) {
		fail(failed);
		return 1;
	}
	answer("ok ready");
	while (fgets(line, sizeof line, in)) {
		line[strcspn(line, "\n")] = 0;
		if (run_command(line))
			break;
	}
	return 0;
}

#endif
