/*
 * The hot half of the load generator: a virtio-gpu driver and QEMU's end of the display socket, over rings and memory
 * that bench/machine.ts set up. In C, so that neither a garbage collection nor a compilation of the generator's shows up
 * in what is measured.
 *
 *   driver CONTROL_FD MEMORY_FD KICK_FD CALL_FD DISPLAY_FD
 *   driver FD                                             makes the descriptor a blocking one
 *
 * The control block (bench/control-block.ts has the same layout) says what to run: a list of operations, each of them
 * commands whose descriptor chains are in the ring already. It keeps `depth` of them in flight, one after the other, until
 * the time is up or the count is reached, and leaves rates, latencies and the back-end's CPU time in the block.
 * Whatever goes wrong is a line on stderr and exit code 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 8, PIDS_MAX = 16, QUEUE_MAX = 256 };
enum { VERIFY_NOTHING, VERIFY_STAMPS, VERIFY_PIXELS };
enum { PAGE_BYTES = 4096, DISPLAY_BUFFER_BYTES = 160 << 20 };

/* Messages of the vhost-user-gpu protocol. */
enum {
  GPU_GET_PROTOCOL_FEATURES = 1,
  GPU_SET_PROTOCOL_FEATURES = 2,
  GPU_GET_DISPLAY_INFO = 3,
  GPU_CURSOR_POS = 4,
  GPU_CURSOR_POS_HIDE = 5,
  GPU_CURSOR_UPDATE = 6,
  GPU_SCANOUT = 7,
  GPU_UPDATE = 8,
  GPU_GET_EDID = 11,
};
enum { GPU_FLAG_REPLY = 4, GPU_HEADER_BYTES = 12, GPU_UPDATE_HEAD_BYTES = 20, GPU_CURSOR_HEAD_BYTES = 20, CURSOR_SIZE = 64 };

struct command {
  uint32_t head;     /* index of its first descriptor */
  uint32_t response; /* offset in guest memory */
  uint32_t answer;   /* type that the response must have; 0 = the command has none */
};

struct operation {
  uint32_t command_count;
  struct command commands[COMMANDS_MAX];
  uint32_t updates; /* the pixels of the rectangle must arrive at the display before it is complete */
  uint32_t x, y, width, height;
};

struct control {
  /* What to do. Offsets are in guest memory, except those of tables in this block. */
  uint32_t memory_bytes, avail, used, queue_size, event_idx;
  uint32_t duration_ms, operations_max, depth;
  int32_t cpu;            /* where to run; -1 = anywhere */
  uint32_t watch_display; /* the display socket may have something to read */
  uint32_t verify;
  uint32_t picture_width; /* pixels in a row of the resource */
  uint32_t operation_count, operations_at;
  uint32_t pages_at; /* offsets of the resource's pages in guest memory */
  uint32_t latency_capacity, latencies_at, submissions_at;
  uint32_t reserved;
  uint32_t display_info_bytes, display_info_at, edid_bytes, edid_at;
  uint32_t pid_count, pids[PIDS_MAX];
  /* What came out of it. */
  uint64_t operations, elapsed_ns, cpu_ns, kicks, calls;
  uint64_t messages, updates, update_pixels, cursor_updates, cursor_moves, questions;
};

struct ring {
  _Atomic uint16_t *avail, *used;
  uint32_t *used_words;
  uint16_t next_avail, kicked_avail, last_used;
};

static struct control *control;
static struct operation *operations;
static uint8_t *memory;
static uint32_t *pages, *latencies;
static uint64_t *submissions;
static struct ring ring;
static int kick_fd, call_fd, display_fd;

/* By operation: when it was submitted, commands and pixels that are still to come. */
static uint64_t *submitted_ns;
static uint32_t *commands_left;
static uint64_t *pixels_left;
/* By operation: its number in the run, which its stamps are made of. */
static uint32_t *serials;
/* By head: operation and command. */
static uint16_t operation_of[QUEUE_MAX], command_of[QUEUE_MAX];

static uint8_t *display;
static size_t display_have;
static uint32_t serial, begun, in_flight;
/* The operation whose pixels are waited for. */
static int32_t showing = -1;

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* CPU time of all threads of the back-end's processes. */
static uint64_t back_end_cpu_ns(void) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < control->pid_count; i++) {
    struct timespec time;
    clockid_t clock;
    if (clock_getcpuclockid((pid_t)control->pids[i], &clock) != 0 || clock_gettime(clock, &time) != 0) {
      fail("the back-end's process %u is gone", control->pids[i]);
    }
    sum += (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
  }
  return sum;
}

/* ---- pixels ---- */

static uint32_t *backing_pixel(uint32_t x, uint32_t y) {
  uint64_t at = ((uint64_t)y * control->picture_width + x) * 4;
  return (uint32_t *)(memory + pages[at / PAGE_BYTES] + at % PAGE_BYTES);
}

static uint32_t stamp_column(const struct operation *operation, uint32_t number) {
  return operation->x + number % operation->width;
}

static uint32_t stamp(uint32_t number, uint32_t y) {
  return number * 0x9e3779b1u + y;
}

/* Changes one pixel of each row, so that old pixels can't pass for new ones. */
static void stamp_rows(const struct operation *operation, uint32_t number) {
  uint32_t column = stamp_column(operation, number);
  for (uint32_t y = operation->y; y < operation->y + operation->height; y++) {
    *backing_pixel(column, y) = stamp(number, y);
  }
}

static void check_row(const uint32_t *row, uint32_t x, uint32_t y, uint32_t width) {
  while (width > 0) {
    uint64_t in_page = ((uint64_t)y * control->picture_width + x) * 4 % PAGE_BYTES;
    uint32_t run = (uint32_t)((PAGE_BYTES - in_page) / 4);
    if (run > width) run = width;
    if (memcmp(row, backing_pixel(x, y), run * 4ul) != 0) fail("wrong pixels in row %u from column %u on", y, x);
    row += run;
    x += run;
    width -= run;
  }
}

static void check_update(const uint32_t *head, const uint32_t *row) {
  uint32_t x = head[1], y = head[2], width = head[3], height = head[4];
  /* A scanout that was just set may be shown without a flush. */
  if (showing < 0) return;
  const struct operation *operation = &operations[showing];
  uint64_t pixels = (uint64_t)width * height;
  if (x < operation->x || y < operation->y || x + width > operation->x + operation->width ||
      y + height > operation->y + operation->height || pixels > pixels_left[showing]) {
    fail("an update of %ux%u at %u,%u is not what was flushed", width, height, x, y);
  }
  uint32_t number = serials[showing], column = stamp_column(operation, number);
  for (uint32_t i = 0; i < height; i++, row += width) {
    if (control->verify >= VERIFY_STAMPS && column >= x && column < x + width && row[column - x] != stamp(number, y + i)) {
      fail("row %u is not the one of operation %u", y + i, number);
    }
    if (control->verify == VERIFY_PIXELS) check_row(row, x, y + i, width);
  }
  control->updates++;
  control->update_pixels += pixels;
  pixels_left[showing] -= pixels;
}

static void check_cursor(const uint32_t *row) {
  control->cursor_updates++;
  if (control->verify != VERIFY_PIXELS) return;
  for (uint32_t y = 0; y < CURSOR_SIZE; y++, row += CURSOR_SIZE) check_row(row, 0, y, CURSOR_SIZE);
}

/* ---- the display socket ---- */

static void answer(uint32_t request, const void *payload, uint32_t bytes) {
  uint8_t message[GPU_HEADER_BYTES + 2048];
  uint32_t header[3] = {request, GPU_FLAG_REPLY, bytes};
  memcpy(message, header, sizeof header);
  memcpy(message + sizeof header, payload, bytes);
  ssize_t want = (ssize_t)(sizeof header + bytes);
  if (send(display_fd, message, (size_t)want, MSG_NOSIGNAL) != want) fail("display: %s", strerror(errno));
  control->questions++;
}

static void handle_message(const uint8_t *message) {
  uint32_t header[3];
  memcpy(header, message, sizeof header);
  const uint8_t *payload = message + GPU_HEADER_BYTES;
  const uint8_t *block = (const uint8_t *)control;
  control->messages++;
  uint64_t features = 3; /* EDID, DMABUF2: what QEMU 11.1 answers */
  switch (header[0]) {
  case GPU_GET_PROTOCOL_FEATURES:
    answer(header[0], &features, sizeof features);
    break;
  case GPU_GET_DISPLAY_INFO:
    answer(header[0], block + control->display_info_at, control->display_info_bytes);
    break;
  case GPU_GET_EDID:
    answer(header[0], block + control->edid_at, control->edid_bytes);
    break;
  case GPU_UPDATE:
    check_update((const uint32_t *)payload, (const uint32_t *)(payload + GPU_UPDATE_HEAD_BYTES));
    break;
  case GPU_CURSOR_UPDATE:
    check_cursor((const uint32_t *)(payload + GPU_CURSOR_HEAD_BYTES));
    break;
  case GPU_CURSOR_POS:
  case GPU_CURSOR_POS_HIDE:
    control->cursor_moves++;
    break;
  case GPU_SET_PROTOCOL_FEATURES:
  case GPU_SCANOUT:
    break;
  default:
    fail("display: message %u", header[0]);
  }
}

/* Bytes of the message at `message`; 0 when its header is not complete. */
static size_t message_bytes(const uint8_t *message, size_t have) {
  uint32_t payload;
  if (have < GPU_HEADER_BYTES) return 0;
  memcpy(&payload, message + 8, sizeof payload);
  if (payload > DISPLAY_BUFFER_BYTES - GPU_HEADER_BYTES) fail("display: a message of %u bytes", payload);
  return GPU_HEADER_BYTES + (size_t)payload;
}

/* Takes what is there; a message that has begun is waited for. */
static void read_display(void) {
  size_t at, whole;
  do {
    ssize_t got = recv(display_fd, display + display_have, DISPLAY_BUFFER_BYTES - display_have, 0);
    if (got <= 0) fail("display: %s", got == 0 ? "the back-end closed the socket" : strerror(errno));
    display_have += (size_t)got;
    at = 0;
    while ((whole = message_bytes(display + at, display_have - at)) > 0 && display_have - at >= whole) {
      handle_message(display + at);
      at += whole;
    }
    display_have -= at;
    memmove(display, display + at, display_have);
  } while (display_have > 0);
}

/* ---- the ring ---- */

static void set_up_ring(void) {
  uint32_t size = control->queue_size;
  ring.avail = (_Atomic uint16_t *)(memory + control->avail);
  ring.used = (_Atomic uint16_t *)(memory + control->used);
  ring.used_words = (uint32_t *)(memory + control->used + 4);
  ring.next_avail = atomic_load(&ring.avail[1]);
  ring.last_used = atomic_load(&ring.used[1]);
  ring.kicked_avail = ring.next_avail;
  if (ring.next_avail != ring.last_used) fail("the ring is not idle");
  for (uint32_t i = 0; i < control->operation_count; i++) {
    for (uint32_t j = 0; j < operations[i].command_count; j++) {
      uint32_t head = operations[i].commands[j].head;
      if (head >= size) fail("head %u is outside the ring", head);
      operation_of[head] = (uint16_t)i;
      command_of[head] = (uint16_t)j;
    }
  }
}

static void kick(void) {
  uint64_t one = 1;
  uint16_t before = ring.kicked_avail, now = ring.next_avail;
  if (now == before) return;
  atomic_store_explicit(&ring.avail[1], now, memory_order_release);
  atomic_thread_fence(memory_order_seq_cst);
  ring.kicked_avail = now;
  if (control->event_idx) {
    uint16_t event = ring.used[2 + control->queue_size * 4];
    if ((uint16_t)(now - event - 1) >= (uint16_t)(now - before)) return;
  } else if (atomic_load(&ring.used[0]) & 1) {
    return;
  }
  control->kicks++;
  if (write(kick_fd, &one, sizeof one) != sizeof one) fail("kick: %s", strerror(errno));
}

static void submit(uint32_t index, uint64_t time_ns) {
  const struct operation *operation = &operations[index];
  uint32_t number = serial++;
  begun++;
  if (operation->updates) {
    if (showing >= 0) fail("two operations in flight wait for pixels");
    showing = (int32_t)index;
    stamp_rows(operation, number);
    pixels_left[index] = (uint64_t)operation->width * operation->height;
  }
  for (uint32_t i = 0; i < operation->command_count; i++) {
    const struct command *command = &operation->commands[i];
    if (command->answer != 0) *(uint32_t *)(memory + command->response) = 0;
    atomic_store_explicit(&ring.avail[2 + ring.next_avail % control->queue_size], (uint16_t)command->head,
                          memory_order_relaxed);
    ring.next_avail++;
  }
  serials[index] = number;
  commands_left[index] = operation->command_count;
  submitted_ns[index] = time_ns;
  in_flight++;
}

/* Takes one used buffer; returns the operation that it belongs to. */
static uint32_t take_used(void) {
  uint32_t head = ring.used_words[2 * (ring.last_used % control->queue_size)];
  if (head >= control->queue_size) fail("used ring: head %u", head);
  uint32_t index = operation_of[head];
  const struct command *command = &operations[index].commands[command_of[head]];
  uint32_t type = command->answer == 0 ? 0 : *(volatile uint32_t *)(memory + command->response);
  if (command->head != head || commands_left[index] == 0) fail("used ring: head %u was not in flight", head);
  if (type != command->answer) fail("command %u was answered 0x%x, not 0x%x", command_of[head], type, command->answer);
  ring.last_used++;
  commands_left[index]--;
  return index;
}

/* ---- the run ---- */

static int is_complete(uint32_t index) {
  return commands_left[index] == 0 && pixels_left[index] == 0;
}

static void complete(uint32_t index, uint64_t time_ns) {
  uint64_t latency = time_ns - submitted_ns[index];
  latencies[control->operations % control->latency_capacity] = latency > UINT32_MAX ? UINT32_MAX : (uint32_t)latency;
  submissions[control->operations % control->latency_capacity] = submitted_ns[index];
  control->operations++;
  submitted_ns[index] = 0;
  in_flight--;
  if (showing == (int32_t)index) showing = -1;
}

/* Handles what came back. Returns whether there was anything. */
static int reap(void) {
  uint16_t seen = atomic_load_explicit(&ring.used[1], memory_order_acquire);
  int progress = 0;
  uint64_t time_ns = 0;
  while (ring.last_used != seen) {
    uint32_t index = take_used();
    progress = 1;
    if (!is_complete(index)) continue;
    if (time_ns == 0) time_ns = now_ns();
    complete(index, time_ns);
  }
  if (showing >= 0 && is_complete((uint32_t)showing)) {
    complete((uint32_t)showing, now_ns());
    progress = 1;
  }
  return progress;
}

static void wait_for_back_end(void) {
  uint64_t count;
  if (control->event_idx) {
    atomic_store_explicit(&ring.avail[2 + control->queue_size], ring.last_used, memory_order_relaxed);
  }
  atomic_thread_fence(memory_order_seq_cst);
  int have_used = atomic_load(&ring.used[1]) != ring.last_used;
  if (control->watch_display) {
    struct pollfd fds[2] = {{.fd = call_fd, .events = POLLIN}, {.fd = display_fd, .events = POLLIN}};
    if (poll(fds, 2, have_used ? 0 : -1) < 0) fail("poll: %s", strerror(errno));
    if (fds[1].revents) read_display();
    if (!fds[0].revents) return;
  } else if (have_used) {
    return;
  }
  control->calls++;
  if (read(call_fd, &count, sizeof count) != sizeof count) fail("call: %s", strerror(errno));
}

/* Submits until `depth` operations are in flight, or as many as may still be begun. */
static void submit_more(uint64_t time_ns) {
  static uint32_t next = 0;
  while (in_flight < control->depth && begun < control->operations_max) {
    uint32_t index = next;
    while (submitted_ns[index] != 0) index = (index + 1) % control->operation_count;
    submit(index, time_ns);
    next = (index + 1) % control->operation_count;
  }
}

static void run(void) {
  uint64_t cpu_before = back_end_cpu_ns(), start = now_ns(), end = start;
  uint64_t deadline = start + control->duration_ms * 1000000ull;
  /* Stamps of another run are not to be seen again. */
  serial = (uint32_t)start;
  submit_more(start);
  kick();
  while (in_flight > 0) {
    if (!reap()) {
      wait_for_back_end();
      continue;
    }
    end = now_ns();
    if (end < deadline) {
      submit_more(end);
      kick();
    }
  }
  control->elapsed_ns = end - start;
  control->cpu_ns = back_end_cpu_ns() - cpu_before;
}

/* Nothing to run: the back-end is watched while nothing happens. What it still has to say is taken. */
static void idle(void) {
  uint64_t cpu_before = back_end_cpu_ns(), start = now_ns(), end = start + control->duration_ms * 1000000ull;
  for (uint64_t now = start; now < end; now = now_ns()) {
    struct pollfd fd = {.fd = display_fd, .events = POLLIN};
    if (poll(&fd, 1, (int)((end - now) / 1000000) + 1) > 0) read_display();
  }
  control->elapsed_ns = now_ns() - start;
  control->cpu_ns = back_end_cpu_ns() - cpu_before;
}

static void *map_shared(int fd, size_t bytes) {
  void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) fail("mmap: %s", strerror(errno));
  return address;
}

static void *zeroes(size_t count, size_t bytes) {
  void *block = calloc(count, bytes);
  if (block == NULL) fail("out of memory");
  return block;
}

static void make_blocking(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) != 0) fail("fcntl: %s", strerror(errno));
}

static void run_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) fail("CPU %d: %s", cpu, strerror(errno));
}

int main(int argc, char **argv) {
  if (argc == 2) {
    make_blocking(atoi(argv[1]));
    return 0;
  }
  if (argc != 6) fail("usage: driver CONTROL_FD MEMORY_FD KICK_FD CALL_FD DISPLAY_FD");
  int control_fd = atoi(argv[1]), memory_fd = atoi(argv[2]);
  kick_fd = atoi(argv[3]);
  call_fd = atoi(argv[4]);
  display_fd = atoi(argv[5]);
  struct stat status;
  if (fstat(control_fd, &status) != 0) fail("control: %s", strerror(errno));
  control = map_shared(control_fd, (size_t)status.st_size);
  memory = map_shared(memory_fd, control->memory_bytes);
  uint8_t *block = (uint8_t *)control;
  operations = (struct operation *)(block + control->operations_at);
  pages = (uint32_t *)(block + control->pages_at);
  latencies = (uint32_t *)(block + control->latencies_at);
  submissions = (uint64_t *)(block + control->submissions_at);
  if (control->cpu >= 0) run_on(control->cpu);
  submitted_ns = zeroes(control->operation_count, sizeof *submitted_ns);
  commands_left = zeroes(control->operation_count, sizeof *commands_left);
  pixels_left = zeroes(control->operation_count, sizeof *pixels_left);
  serials = zeroes(control->operation_count, sizeof *serials);
  display = zeroes(1, DISPLAY_BUFFER_BYTES);
  make_blocking(call_fd);
  make_blocking(display_fd);
  set_up_ring();
  if (control->operation_count == 0) idle();
  else run();
  return 0;
}
