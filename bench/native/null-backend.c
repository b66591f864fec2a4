/*
 * About the least that a vhost-user-gpu back-end in C can do: one thread, no checks worth the name, pages of a backing
 * found by index, one copy from guest memory to the resource, the kernel takes updates from there. It shows how much of
 * a result is the protocol's and the generator's part. It serves this benchmark's front-end and is no device for a VM.
 *
 *   null-backend --socket-path=PATH
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, RESOURCES_MAX = 256, REGIONS_MAX = 8, QUEUES = 2, ROWS_PER_SEND = 512 };

/* vhost-user: requests and the features that are offered. */
enum {
  GET_FEATURES = 1,
  SET_FEATURES = 2,
  SET_OWNER = 3,
  SET_MEM_TABLE = 5,
  SET_VRING_NUM = 8,
  SET_VRING_ADDR = 9,
  SET_VRING_BASE = 10,
  GET_VRING_BASE = 11,
  SET_VRING_KICK = 12,
  SET_VRING_CALL = 13,
  SET_VRING_ERR = 14,
  GET_PROTOCOL_FEATURES = 15,
  SET_PROTOCOL_FEATURES = 16,
  GET_QUEUE_NUM = 17,
  SET_VRING_ENABLE = 18,
  GPU_SET_SOCKET = 33,
};
#define FEATURES ((1ull << 32) | (1ull << 30) | (1ull << 29) | (1ull << 1)) /* VERSION_1, PROTOCOL_FEATURES, EVENT_IDX, EDID */
#define PROTOCOL_FEATURES ((1ull << 0) | (1ull << 9))                       /* MQ, CONFIG */

/* virtio-gpu. */
enum {
  CMD_GET_DISPLAY_INFO = 0x100,
  CMD_CREATE_2D,
  CMD_UNREF,
  CMD_SET_SCANOUT,
  CMD_FLUSH,
  CMD_TRANSFER_TO_HOST_2D,
  CMD_ATTACH_BACKING,
  CMD_DETACH_BACKING,
  CMD_UPDATE_CURSOR = 0x300,
  CMD_MOVE_CURSOR,
  RESP_OK_NODATA = 0x1100,
  RESP_OK_DISPLAY_INFO = 0x1101,
  RESP_ERR_UNSPEC = 0x1200,
  HEADER_BYTES = 24,
  DISPLAY_INFO_BYTES = 408,
};

/* The display socket. */
enum { GPU_GET_DISPLAY_INFO = 3, GPU_CURSOR_POS = 4, GPU_CURSOR_UPDATE = 6, GPU_SCANOUT = 7, GPU_UPDATE = 8, CURSOR_SIZE = 64 };

struct region {
  uint64_t guest_address, size, user_address, mmap_offset;
};

struct descriptor {
  uint64_t address;
  uint32_t length;
  uint16_t flags, next;
};

struct queue {
  uint32_t size;
  struct descriptor *descriptors;
  _Atomic uint16_t *avail, *used;
  uint32_t *used_words;
  uint16_t last_avail, last_used, signalled;
  int kick_fd, call_fd;
};

struct resource {
  uint32_t id, width, height;
  uint8_t *pixels;
  /* One range, or a page for each 4 KiB. */
  uint8_t *range, **pages;
};

/* A request as the driver wrote it: the first readable descriptor, the second one if any, the writable one. */
struct chain {
  const uint32_t *request;
  const uint8_t *data;
  uint8_t *response;
};

static struct region regions[REGIONS_MAX];
static uint8_t *region_bases[REGIONS_MAX];
static uint32_t region_count;
static struct queue queues[QUEUES];
static struct resource resources[RESOURCES_MAX];
static uint32_t shown_id;
static int display_fd = -1;

static void check(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "null-backend: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint8_t *guest_pointer(uint64_t address) {
  for (uint32_t i = 0; i < region_count; i++) {
    uint64_t offset = address - regions[i].guest_address;
    if (offset < regions[i].size) return region_bases[i] + offset;
  }
  check(0, "an address outside of guest memory");
  return NULL;
}

static uint8_t *user_pointer(uint64_t address) {
  for (uint32_t i = 0; i < region_count; i++) {
    uint64_t offset = address - regions[i].user_address;
    if (offset < regions[i].size) return region_bases[i] + offset;
  }
  check(0, "a user address outside of guest memory");
  return NULL;
}

/* ---- the display ---- */

static void send_all(struct iovec *parts, size_t count) {
  while (count > 0) {
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t sent = sendmsg(display_fd, &message, MSG_NOSIGNAL);
    check(sent > 0, "display");
    while (count > 0 && (size_t)sent >= parts->iov_len) {
      sent -= (ssize_t)parts->iov_len;
      parts++;
      count--;
    }
    if (count == 0) return;
    parts->iov_base = (uint8_t *)parts->iov_base + sent;
    parts->iov_len -= (size_t)sent;
  }
}

static void send_update(const struct resource *resource, const uint32_t *r) {
  uint32_t x = r[0], y = r[1], width = r[2], height = r[3];
  uint32_t head[8] = {GPU_UPDATE, 0, 20 + width * height * 4, 0, x, y, width, height};
  struct iovec parts[ROWS_PER_SEND + 1] = {{head, sizeof head}};
  size_t stride = (size_t)resource->width * 4, count = 1;
  uint8_t *row = resource->pixels + y * stride + x * 4ul;
  if (width == resource->width) {
    parts[count++] = (struct iovec){row, stride * height};
    height = 0;
  }
  for (uint32_t i = 0; i < height; i++, row += stride) {
    parts[count++] = (struct iovec){row, width * 4ul};
    if (count < ROWS_PER_SEND) continue;
    send_all(parts, count);
    count = 0;
  }
  send_all(parts, count);
}

static void send_cursor(const uint32_t *body, const struct resource *resource) {
  uint32_t head[8] = {GPU_CURSOR_POS, 0, 12, body[0], body[1], body[2], body[5], body[6]};
  struct iovec parts[2] = {{head, 6 * 4}, {NULL, CURSOR_SIZE * CURSOR_SIZE * 4}};
  if (resource != NULL) {
    head[0] = GPU_CURSOR_UPDATE;
    head[2] = 20 + CURSOR_SIZE * CURSOR_SIZE * 4;
    parts[0].iov_len = sizeof head;
    parts[1].iov_base = resource->pixels;
  }
  send_all(parts, resource == NULL ? 1 : 2);
}

static void ask_display_info(uint8_t *response) {
  uint32_t question[3] = {GPU_GET_DISPLAY_INFO, 0, 0}, header[3];
  struct iovec part = {question, sizeof question};
  send_all(&part, 1);
  check(recv(display_fd, header, sizeof header, MSG_WAITALL) == sizeof header, "display");
  check(recv(display_fd, response, DISPLAY_INFO_BYTES, MSG_WAITALL) == DISPLAY_INFO_BYTES, "display");
}

/* ---- commands ---- */

static struct resource *find(uint32_t id) {
  struct resource *resource = &resources[id % RESOURCES_MAX];
  return resource->id == id ? resource : NULL;
}

static void detach(struct resource *resource) {
  free(resource->pages);
  resource->pages = NULL;
  resource->range = NULL;
}

/* Entries are 4 KiB pages, or there is one. */
static void attach(struct resource *resource, const uint8_t *entries, uint32_t count) {
  uint64_t address;
  memcpy(&address, entries, sizeof address);
  if (count == 1) {
    resource->range = guest_pointer(address);
    return;
  }
  resource->pages = malloc(count * sizeof *resource->pages);
  check(resource->pages != NULL, "memory");
  for (uint32_t i = 0; i < count; i++) {
    memcpy(&address, entries + i * 16ul, sizeof address);
    resource->pages[i] = guest_pointer(address);
  }
}

static void transfer(struct resource *resource, const uint32_t *body) {
  uint32_t x = body[0], y = body[1], width = body[2], height = body[3];
  uint64_t stride = resource->width * 4ul, at = body[4] | (uint64_t)body[5] << 32;
  uint8_t *target = resource->pixels + y * stride + x * 4ul;
  uint64_t row_bytes = width * 4ul;
  if (row_bytes == stride) {
    row_bytes *= height;
    height = 1;
  }
  for (; height > 0; height--, at += stride, target += stride) {
    if (resource->range != NULL) {
      memcpy(target, resource->range + at, row_bytes);
      continue;
    }
    for (uint64_t done = 0; done < row_bytes;) {
      uint64_t in_page = (at + done) % PAGE_BYTES, run = PAGE_BYTES - in_page;
      if (run > row_bytes - done) run = row_bytes - done;
      memcpy(target + done, resource->pages[(at + done) / PAGE_BYTES] + in_page, run);
      done += run;
    }
  }
}

static uint32_t create(const uint32_t *body) {
  struct resource *resource = &resources[body[0] % RESOURCES_MAX];
  if (resource->id != 0) return RESP_ERR_UNSPEC;
  resource->pixels = malloc(body[2] * (size_t)body[3] * 4);
  check(resource->pixels != NULL, "memory");
  resource->id = body[0];
  resource->width = body[2];
  resource->height = body[3];
  return RESP_OK_NODATA;
}

static uint32_t on_resource(uint32_t type, struct resource *resource, const struct chain *chain) {
  const uint32_t *body = chain->request + HEADER_BYTES / 4;
  switch (type) {
  case CMD_UNREF:
    detach(resource);
    free(resource->pixels);
    resource->id = 0;
    break;
  case CMD_FLUSH:
    if (shown_id == resource->id) send_update(resource, body);
    break;
  case CMD_TRANSFER_TO_HOST_2D:
    transfer(resource, body);
    break;
  case CMD_ATTACH_BACKING:
    attach(resource, chain->data, body[1]);
    break;
  case CMD_DETACH_BACKING:
    detach(resource);
    break;
  }
  return RESP_OK_NODATA;
}

static uint32_t set_scanout(const uint32_t *body) {
  uint32_t message[6] = {GPU_SCANOUT, 0, 12, body[4], body[2], body[3]};
  struct iovec part = {message, sizeof message};
  shown_id = body[5];
  send_all(&part, 1);
  return RESP_OK_NODATA;
}

/* Carries out a command; returns how many bytes of response there are. */
static uint32_t execute(const struct chain *chain) {
  const uint32_t *body = chain->request + HEADER_BYTES / 4;
  uint32_t type = chain->request[0], answer = RESP_ERR_UNSPEC;
  struct resource *resource;
  switch (type) {
  case CMD_GET_DISPLAY_INFO:
    ask_display_info(chain->response);
    return DISPLAY_INFO_BYTES;
  case CMD_CREATE_2D:
    answer = create(body);
    break;
  case CMD_SET_SCANOUT:
    answer = set_scanout(body);
    break;
  case CMD_UNREF:
  case CMD_ATTACH_BACKING:
  case CMD_DETACH_BACKING:
    resource = find(body[0]);
    if (resource != NULL) answer = on_resource(type, resource, chain);
    break;
  case CMD_FLUSH:
    resource = find(body[4]);
    if (resource != NULL) answer = on_resource(type, resource, chain);
    break;
  case CMD_TRANSFER_TO_HOST_2D:
    resource = find(body[6]);
    if (resource != NULL) answer = on_resource(type, resource, chain);
    break;
  case CMD_UPDATE_CURSOR:
    send_cursor(body, find(body[4]));
    break;
  case CMD_MOVE_CURSOR:
    send_cursor(body, NULL);
    break;
  }
  if (chain->response == NULL) return 0;
  memset(chain->response, 0, HEADER_BYTES);
  memcpy(chain->response, &answer, sizeof answer);
  return HEADER_BYTES;
}

/* ---- rings ---- */

static void take_chain(struct queue *queue, uint16_t head, struct chain *chain) {
  memset(chain, 0, sizeof *chain);
  for (uint16_t at = head;;) {
    const struct descriptor *descriptor = &queue->descriptors[at];
    uint8_t *pointer = guest_pointer(descriptor->address);
    if (descriptor->flags & 2) chain->response = pointer;
    else if (chain->request == NULL) chain->request = (const uint32_t *)pointer;
    else chain->data = pointer;
    if ((descriptor->flags & 1) == 0) return;
    at = descriptor->next;
  }
}

static void signal_used(struct queue *queue) {
  uint64_t one = 1;
  uint16_t now = queue->last_used, before = queue->signalled;
  uint16_t event;
  atomic_store_explicit(&queue->used[1], now, memory_order_release);
  atomic_thread_fence(memory_order_seq_cst);
  event = queue->avail[2 + queue->size];
  queue->signalled = now;
  if ((uint16_t)(now - event - 1) < (uint16_t)(now - before)) check(write(queue->call_fd, &one, 8) == 8, "call");
}

static void process(struct queue *queue) {
  struct chain chain;
  for (;;) {
    uint16_t available = atomic_load_explicit(&queue->avail[1], memory_order_acquire);
    if (available == queue->last_avail) {
      /* Ask for the next kick, and look once more. */
      queue->used[2 + 4 * queue->size] = available;
      atomic_thread_fence(memory_order_seq_cst);
      if (atomic_load(&queue->avail[1]) == available) return;
      continue;
    }
    while (queue->last_avail != available) {
      uint16_t head = queue->avail[2 + queue->last_avail++ % queue->size];
      take_chain(queue, head, &chain);
      uint32_t *entry = &queue->used_words[2 * (queue->last_used++ % queue->size)];
      entry[0] = head;
      entry[1] = execute(&chain);
    }
    signal_used(queue);
  }
}

/* ---- vhost-user ---- */

static void set_mem_table(const uint8_t *payload, const int *fds) {
  memcpy(&region_count, payload, sizeof region_count);
  check(region_count <= REGIONS_MAX, "too many regions");
  for (uint32_t i = 0; i < region_count; i++) {
    memcpy(&regions[i], payload + 8 + i * sizeof *regions, sizeof *regions);
    void *base = mmap(NULL, regions[i].size + regions[i].mmap_offset, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0);
    check(base != MAP_FAILED, "mmap");
    region_bases[i] = (uint8_t *)base + regions[i].mmap_offset;
    close(fds[i]);
  }
}

static void set_addresses(const uint8_t *payload) {
  uint32_t index;
  uint64_t addresses[3]; /* descriptors, used, available */
  memcpy(&index, payload, sizeof index);
  memcpy(addresses, payload + 8, sizeof addresses);
  struct queue *queue = &queues[index % QUEUES];
  queue->descriptors = (struct descriptor *)user_pointer(addresses[0]);
  queue->used = (_Atomic uint16_t *)user_pointer(addresses[1]);
  queue->used_words = (uint32_t *)((uint8_t *)queue->used + 4);
  queue->avail = (_Atomic uint16_t *)user_pointer(addresses[2]);
}

static void reply(int fd, uint32_t request, uint64_t value) {
  struct {
    uint32_t header[3];
    uint64_t value;
  } __attribute__((packed)) message = {{request, 5, 8}, value};
  check(write(fd, &message, sizeof message) == sizeof message, "front-end");
}

static void handle(int fd, const uint32_t *header, const uint8_t *payload, const int *fds) {
  uint32_t words[2] = {0, 0};
  memcpy(words, payload, sizeof words);
  struct queue *queue = &queues[words[0] % QUEUES];
  switch (header[0]) {
  case GET_FEATURES:
    reply(fd, header[0], FEATURES);
    break;
  case GET_PROTOCOL_FEATURES:
    reply(fd, header[0], PROTOCOL_FEATURES);
    break;
  case GET_QUEUE_NUM:
    reply(fd, header[0], QUEUES);
    break;
  case SET_MEM_TABLE:
    set_mem_table(payload, fds);
    break;
  case SET_VRING_NUM:
    queue->size = words[1];
    break;
  case SET_VRING_BASE:
    queue->last_avail = queue->last_used = queue->signalled = (uint16_t)words[1];
    break;
  case SET_VRING_ADDR:
    set_addresses(payload);
    break;
  case SET_VRING_KICK:
    queue->kick_fd = fds[0];
    break;
  case SET_VRING_CALL:
    queue->call_fd = fds[0];
    break;
  case GPU_SET_SOCKET:
    display_fd = fds[0];
    break;
  }
}

/* Returns 0 when the front-end has left. */
static int serve_front_end(int fd) {
  uint32_t header[3];
  uint8_t payload[4096] = {0};
  union {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(REGIONS_MAX * sizeof(int))];
  } ancillary = {0};
  int fds[REGIONS_MAX] = {0};
  struct iovec part = {header, sizeof header};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &ancillary, .msg_controllen = sizeof ancillary};
  ssize_t got = recvmsg(fd, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC);
  if (got <= 0) return 0;
  check(got == sizeof header && header[2] <= sizeof payload, "a malformed message");
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
  if (rights != NULL) memcpy(fds, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
  if (header[2] > 0) check(recv(fd, payload, header[2], MSG_WAITALL) == (ssize_t)header[2], "front-end");
  handle(fd, header, payload, fds);
  return 1;
}

static int accept_one(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  check(listener >= 0 && strlen(path) < sizeof address.sun_path, "socket");
  strcpy(address.sun_path, path);
  check(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0, path);
  int fd = accept(listener, NULL, NULL);
  check(fd >= 0, "accept");
  close(listener);
  return fd;
}

int main(int argc, char **argv) {
  const char *option = "--socket-path=";
  if (argc != 2 || strncmp(argv[1], option, strlen(option)) != 0) {
    fprintf(stderr, "usage: null-backend --socket-path=PATH\n");
    return 2;
  }
  int fd = accept_one(argv[1] + strlen(option));
  for (int i = 0; i < QUEUES; i++) queues[i].kick_fd = -1;
  for (;;) {
    struct pollfd fds[1 + QUEUES] = {{.fd = fd, .events = POLLIN}};
    for (int i = 0; i < QUEUES; i++) fds[1 + i] = (struct pollfd){.fd = queues[i].kick_fd, .events = POLLIN};
    check(poll(fds, 1 + QUEUES, -1) >= 0, "poll");
    if (fds[0].revents && !serve_front_end(fd)) return 0;
    for (int i = 0; i < QUEUES; i++) {
      uint64_t count;
      if ((fds[1 + i].revents & POLLIN) && read(queues[i].kick_fd, &count, sizeof count) == sizeof count) process(&queues[i]);
    }
  }
}
