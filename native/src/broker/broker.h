// What the sandboxed process and its broker say to each other.
//
// The broker is started before the sandbox is entered, and does the few things outside that the process needs while it
// runs. Its command line is all that it will ever do; requests only choose from that:
//
//   broker [--connect PATH]... [--remove PATH]... [--ask SECONDS PROGRAM [ARGUMENT]...]
//
// Requests (descriptor 3, SOCK_SEQPACKET) are answered at once, questions (descriptor 4, SOCK_STREAM) when their
// program has ended. When the process is gone, so are its paths and the broker.
#pragma once

#include <cstddef>
#include <cstdint>

namespace native {

constexpr int kRequestFd = 3;
constexpr int kQuestionFd = 4;

enum class Operation : uint32_t {
  /// Connects to --connect number `index`; the answer carries the socket.
  kConnect = 1,
  /// Removes what is at all --remove paths, if it is still what was there at the start.
  kRemove = 2,
};

struct Request {
  Operation operation;
  uint32_t index;
};

struct Answer {
  /// 0 or an errno.
  int32_t error;
};

/// Words of a question: kind, direction, VM, MIME type. They become the last arguments of the program and, by these
/// names, part of its environment.
constexpr size_t kQuestionWords = 4;
constexpr size_t kWordBytesMax = 1024;
constexpr const char* kWordNames[kQuestionWords] = {"FORWARD_KIND", "FORWARD_DIRECTION", "FORWARD_VM",
                                                    "FORWARD_MIME_TYPE"};

/// Followed by the bytes of the words.
struct QuestionHeader {
  uint32_t id;
  uint16_t bytes[kQuestionWords];
};

struct Verdict {
  uint32_t id;
  uint32_t yes;
};

}  // namespace native
