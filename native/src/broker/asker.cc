#include "asker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace native {
namespace {

/// More questions at a time than anybody can look at are answered with no.
constexpr size_t kRunningMax = 16;

int64_t NowMs() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{1000} * now.tv_sec + now.tv_nsec / 1'000'000;
}

void Tell(int socket, uint32_t id, bool yes) {
  const Verdict verdict = {id, yes ? 1u : 0u};
  // One that does not fit is lost: then nobody has read for thousands of questions.
  (void)!send(socket, &verdict, sizeof(verdict), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// In the child: becomes the program. Signals are as a program expects them.
[[noreturn]] void Become(char* const* arguments, const char* const* words) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (size_t i = 0; i < kQuestionWords; i++) setenv(kWordNames[i], words[i], 1);
  execvp(arguments[0], arguments);
  _exit(127);
}

}  // namespace

void Asker::Start(int socket, uint32_t id, const char* const* words) {
  if (command_.empty() || running_.size() >= kRunningMax) {
    Tell(socket, id, false);
    return;
  }
  std::vector<char*> arguments = command_;
  arguments.pop_back();
  for (size_t i = 0; i < kQuestionWords; i++) arguments.push_back(const_cast<char*>(words[i]));
  arguments.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) Become(arguments.data(), words);
  if (pid < 0) {
    Tell(socket, id, false);
    return;
  }
  running_.push_back({pid, id, NowMs() + int64_t{1000} * seconds_});
}

bool Asker::Feed(int socket, const uint8_t* bytes, size_t length) {
  input_.insert(input_.end(), bytes, bytes + length);
  for (;;) {
    QuestionHeader header;
    if (input_.size() < sizeof(header)) return true;
    memcpy(&header, input_.data(), sizeof(header));
    size_t total = sizeof(header);
    for (const uint16_t word : header.bytes) {
      if (word > kWordBytesMax) return false;
      total += word;
    }
    if (input_.size() < total) return true;
    std::string words[kQuestionWords];
    const char* pointers[kQuestionWords];
    const auto* at = reinterpret_cast<const char*>(input_.data()) + sizeof(header);
    for (size_t i = 0; i < kQuestionWords; at += header.bytes[i++]) {
      words[i].assign(at, header.bytes[i]);
      pointers[i] = words[i].c_str();
    }
    Start(socket, header.id, pointers);
    input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(total));
  }
}

void Asker::Reap(int socket) {
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    for (size_t i = 0; i < running_.size(); i++) {
      if (running_[i].pid != pid) continue;
      Tell(socket, running_[i].id, WIFEXITED(status) && WEXITSTATUS(status) == 0);
      running_.erase(running_.begin() + static_cast<ptrdiff_t>(i));
      break;
    }
  }
}

int Asker::KillOverdue() {
  const int64_t now = NowMs();
  int64_t next = -1;
  for (Running& each : running_) {
    if (each.deadline_ms <= now) {
      kill(each.pid, SIGKILL);
      continue;  // Its end comes as SIGCHLD.
    }
    const int64_t left = each.deadline_ms - now;
    if (next < 0 || left < next) next = left;
  }
  return static_cast<int>(next);
}

void Asker::KillAll() {
  for (const Running& each : running_) kill(each.pid, SIGKILL);
}

}  // namespace native
