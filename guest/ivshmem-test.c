/*
 * Guest side of the test of an ivshmem device: its memory, through sysfs, as a program without a driver uses it.
 *
 *   ivshmem-test size                      prints the bytes of the memory
 *   ivshmem-test write OFFSET SIZE SEED    writes the byte pattern of lib.h
 *   ivshmem-test crc OFFSET SIZE           prints the CRC-32 (hexadecimal)
 */
#include "lib.h"
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* "vendor" or "device" of a PCI device's folder. */
static unsigned read_id(const char *folder, const char *name)
{
	char path[256];
	unsigned id = 0;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "r");
	if (!file || fscanf(file, "%x", &id) != 1)
		id = 0;
	if (file)
		fclose(file);
	return id;
}

static uint8_t *map_memory(uint64_t *size)
{
	glob_t devices;
	char path[256];
	struct stat status;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &devices))
		return NULL;
	for (size_t i = 0; i < devices.gl_pathc; i++) {
		if (read_id(devices.gl_pathv[i], "vendor") != 0x1af4 || read_id(devices.gl_pathv[i], "device") != 0x1110)
			continue;
		snprintf(path, sizeof path, "%s/resource2", devices.gl_pathv[i]);
		int fd = open(path, O_RDWR);
		if (fd < 0 || fstat(fd, &status) < 0)
			return NULL;
		*size = (uint64_t)status.st_size;
		uint8_t *map = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		return map == MAP_FAILED ? NULL : map;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t size;
	uint8_t *map = map_memory(&size);
	uint64_t offset = argc > 3 ? strtoull(argv[2], NULL, 0) : 0, count = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;

	if (!map) {
		perror("ivshmem-test: no memory of a device 1af4:1110");
		return 1;
	}
	if (offset > size || count > size - offset) {
		fprintf(stderr, "ivshmem-test: the memory has %llu bytes\n", (unsigned long long)size);
		return 1;
	}
	if (argc == 2 && !strcmp(argv[1], "size"))
		printf("%llu\n", (unsigned long long)size);
	else if (argc == 5 && !strcmp(argv[1], "write"))
		for (uint64_t i = 0; i < count; i++)
			map[offset + i] = byte_pattern((uint32_t)(offset + i), (uint32_t)strtoul(argv[4], NULL, 0));
	else if (argc == 4 && !strcmp(argv[1], "crc"))
		printf("%08x\n", crc32(map + offset, count));
	else
		return fputs("usage: ivshmem-test size | write OFFSET SIZE SEED | crc OFFSET SIZE\n", stderr), 2;
	return 0;
}
