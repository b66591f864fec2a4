#include "broker_link.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "args.h"
#include "broker/broker.h"
#include "unix_socket.h"

namespace native {
namespace {

/// The broker answers at once. One that is stopped is as good as dead.
constexpr struct timeval kPatience = {2, 0};

struct Pair {
  UniqueFd ours;
  UniqueFd theirs;
};

/// 0 or an errno. Both ends are close-on-exec, with numbers above those that the broker gets them under.
int MakePair(int type, Pair* out) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  out->ours.Reset(ends[0]);
  const UniqueFd low(ends[1]);
  out->theirs.Reset(fcntl(low.Get(), F_DUPFD_CLOEXEC, kQuestionFd + 1));
  return out->theirs.IsOpen() ? 0 : errno;
}

int Spawn(const std::string& path, const std::vector<std::string>& words, const Pair& requests, const Pair& questions) {
  std::vector<char*> arguments = {const_cast<char*>(path.c_str())};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, requests.theirs.Get(), kRequestFd);
  posix_spawn_file_actions_adddup2(&actions, questions.theirs.Get(), kQuestionFd);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/// startBroker(path, arguments): [BrokerLink, UnixSocket for questions]
Napi::Value StartBroker(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path;
  std::vector<std::string> words;
  if (!ToPath(env, info[0], &path) || !ToWords(env, info[1], &words)) return {};
  Pair requests;
  Pair questions;
  int error = MakePair(SOCK_SEQPACKET, &requests);
  if (error == 0) error = MakePair(SOCK_STREAM, &questions);
  if (error == 0 &&
      (setsockopt(requests.ours.Get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience)) != 0 ||
       setsockopt(requests.ours.Get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience)) != 0)) {
    error = errno;
  }
  if (error == 0) error = PrepareAdopted(questions.ours.Get());
  if (error == 0) error = Spawn(path, words, requests, questions);
  if (error != 0) {
    ThrowErrno(env, error, "spawn", path);
    return {};
  }
  Napi::Array both = Napi::Array::New(env, 2);
  both.Set(0u, BrokerLink::Create(env, std::move(requests.ours)));
  both.Set(1u, UnixSocket::Create(env, std::move(questions.ours)));
  return both;
}

/// Sends a request and waits for its answer and, where it carries one, its descriptor. 0 or an errno: the broker's, or
/// that of the link.
int Ask(int fd, const Request& request, UniqueFd* received) {
  if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request)) return errno;
  Answer answer = {};
  struct iovec bytes = {&answer, sizeof(answer)};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  struct msghdr message = {};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t got = 0;
  do {
    got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
  const struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int))) {
    int number = -1;
    memcpy(&number, CMSG_DATA(header), sizeof(number));
    received->Reset(number);
  }
  return got == sizeof(answer) ? answer.error : EPIPE;
}

}  // namespace

void BrokerLink::Init(Napi::Env env, Addon& addon, Napi::Object exports) {
  Register<BrokerLink>(env, addon,
                       {InstanceMethod<&BrokerLink::Connect>("connect"), InstanceMethod<&BrokerLink::Remove>("remove"),
                        InstanceMethod<&BrokerLink::Close>("close")});
  exports.Set("startBroker", Napi::Function::New<StartBroker>(env, "startBroker"));
}

BrokerLink::BrokerLink(const Napi::CallbackInfo& info) : Handle<BrokerLink>(info) {
  if (State* state = Take<State>(info)) fd_ = std::move(*state);
}

Napi::Value BrokerLink::Connect(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint64_t index = 0;
  if (!ToInteger(env, info[0], "index", UINT32_MAX, &index)) return {};
  if (!fd_.IsOpen()) {
    ThrowClosed(env, kName);
    return {};
  }
  UniqueFd socket;
  const int error = Ask(fd_.Get(), {Operation::kConnect, static_cast<uint32_t>(index)}, &socket);
  // An answer that comes too late must not be taken for that to the next request.
  if (error == ETIMEDOUT) fd_.Reset();
  if (error == 0 && socket.IsOpen()) return UnixSocket::Create(env, std::move(socket));
  ThrowErrno(env, error != 0 ? error : EPIPE, "connect");
  return {};
}

Napi::Value BrokerLink::Remove(const Napi::CallbackInfo&) {
  UniqueFd none;
  // A broker that is gone has removed everything.
  if (fd_.IsOpen()) Ask(fd_.Get(), {Operation::kRemove, 0}, &none);
  return {};
}

Napi::Value BrokerLink::Close(const Napi::CallbackInfo&) {
  fd_.Reset();
  return {};
}

}  // namespace native
