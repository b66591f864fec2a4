// Runs the ask command, one process a question.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "broker.h"

namespace native {

class Asker {
 public:
  /// `command`: program and arguments, ending with a null pointer as execvp wants it; empty = every answer is no.
  Asker(std::vector<char*> command, int timeout_seconds) : command_(std::move(command)), seconds_(timeout_seconds) {}

  /// Takes what came from the socket, in pieces of any size. False when it makes no sense.
  bool Feed(int socket, const uint8_t* bytes, size_t length);
  /// After SIGCHLD: answers the questions whose programs have ended.
  void Reap(int socket);
  /// Kills what has run too long. Milliseconds until the next one has; -1 when none runs.
  int KillOverdue();
  void KillAll();

 private:
  struct Running {
    pid_t pid;
    uint32_t id;
    int64_t deadline_ms;
  };

  void Start(int socket, uint32_t id, const char* const* words);

  std::vector<char*> command_;
  int seconds_;
  std::vector<Running> running_;
  std::vector<uint8_t> input_;
};

}  // namespace native
