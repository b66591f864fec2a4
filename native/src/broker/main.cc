// The broker; see broker.h.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "asker.h"
#include "broker.h"
#include "paths.h"

namespace {

using native::Answer;
using native::Asker;
using native::Operation;
using native::RemovablePath;
using native::Request;

constexpr int kExitUsage = 2;

struct CommandLine {
  std::vector<const char*> targets;
  std::vector<RemovablePath> paths;
  std::vector<char*> ask;
  int ask_seconds = 0;
};

bool Parse(int count, char** words, CommandLine* out) {
  for (int i = 1; i < count; i++) {
    const std::string_view option = words[i];
    if (i + 1 == count) return false;
    if (option == "--connect") {
      out->targets.push_back(words[++i]);
    } else if (option == "--remove") {
      out->paths.emplace_back(words[++i]);
    } else if (option == "--ask") {
      out->ask_seconds = atoi(words[++i]);
      // The rest, with the null pointer that ends it.
      out->ask.assign(words + i + 1, words + count + 1);
      return out->ask.size() > 1 && out->ask_seconds > 0;
    } else {
      return false;
    }
  }
  return true;
}

/// The answer to a request, with `fd` (or -1).
void Respond(int error, int fd) {
  Answer answer = {error};
  struct iovec bytes = {&answer, sizeof(answer)};
  struct msghdr message = {};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  }
  (void)!sendmsg(native::kRequestFd, &message, MSG_NOSIGNAL);
}

void RemoveAll(CommandLine& command) {
  for (RemovablePath& path : command.paths) path.Remove();
}

/// False at the end of the process, and at nonsense from it.
bool HandleRequest(CommandLine& command) {
  Request request;
  const ssize_t got = recv(native::kRequestFd, &request, sizeof(request), MSG_TRUNC | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (got != sizeof(request)) return false;
  if (request.operation == Operation::kRemove) {
    RemoveAll(command);
    Respond(0, -1);
    return true;
  }
  if (request.operation != Operation::kConnect || request.index >= command.targets.size()) return false;
  const int fd = native::ConnectTo(command.targets[request.index]);
  Respond(fd < 0 ? errno : 0, fd);
  if (fd >= 0) close(fd);
  return true;
}

bool HandleQuestions(Asker& asker) {
  uint8_t bytes[4096];
  const ssize_t got = recv(native::kQuestionFd, bytes, sizeof(bytes), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  return got > 0 && asker.Feed(native::kQuestionFd, bytes, static_cast<size_t>(got));
}

/// Nothing of the process but the two sockets: whatever else is open here would stay open when it ends.
void ForgetInheritance() {
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; fd++) dup2(nothing, fd);
  syscall(SYS_close_range, native::kQuestionFd + 1, ~0u, 0);
  fcntl(native::kRequestFd, F_SETFD, FD_CLOEXEC);
  fcntl(native::kQuestionFd, F_SETFD, FD_CLOEXEC);
}

/// SIGCHLD as a descriptor. What ends the process must not end the broker before it has cleaned up.
int PrepareSignals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(number, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_SETMASK, &set, nullptr);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void Serve(CommandLine& command, int children) {
  Asker asker(std::move(command.ask), command.ask_seconds);
  struct pollfd inputs[] = {{native::kRequestFd, POLLIN, 0}, {native::kQuestionFd, POLLIN, 0}, {children, POLLIN, 0}};
  for (bool open = true; open;) {
    if (poll(inputs, 3, asker.KillOverdue()) < 0) {
      if (errno == EINTR) continue;
      break;
    }
    if (inputs[2].revents != 0) {
      struct signalfd_siginfo info;
      while (read(children, &info, sizeof(info)) > 0) continue;
      asker.Reap(native::kQuestionFd);
    }
    if (inputs[0].revents != 0) open = HandleRequest(command);
    if (open && inputs[1].revents != 0) open = HandleQuestions(asker);
  }
  asker.KillAll();
}

}  // namespace

int main(int count, char** words) {
  CommandLine command;
  if (!Parse(count, words, &command)) return kExitUsage;
  ForgetInheritance();
  Serve(command, PrepareSignals());
  RemoveAll(command);
  return 0;
}
