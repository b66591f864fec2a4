#include "watcher.h"

#include <poll.h>

#include "addon.h"
#include "errors.h"

namespace native {
namespace {

void EndOfEnvironment(napi_async_cleanup_hook_handle hook, void* data) {
  // The state is kept alive by the pointer that CreateLoopState allocated for this hook.
  std::unique_ptr<std::shared_ptr<LoopState>> holder(static_cast<std::shared_ptr<LoopState>*>(data));
  std::shared_ptr<LoopState> state = *holder;
  state->hook = hook;
  state->ending = true;
  while (!state->open.empty()) (*state->open.begin())->Close();
  if (state->handles == 0) napi_remove_async_cleanup_hook(hook);
}

/// Hang-up or error, for a watcher that does not wait for input (libuv then reports output only).
bool HungUp(int fd) {
  struct pollfd entry = {fd, 0, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

std::shared_ptr<LoopState> CreateLoopState(Napi::Env env) {
  auto state = std::make_shared<LoopState>();
  auto* holder = new std::shared_ptr<LoopState>(state);
  if (napi_get_uv_event_loop(env, &state->loop) != napi_ok ||
      napi_add_async_cleanup_hook(env, EndOfEnvironment, holder, nullptr) != napi_ok) {
    delete holder;
    Napi::Error::New(env, "the environment has no event loop").ThrowAsJavaScriptException();
    return nullptr;
  }
  return state;
}

bool Watcher::Start(Napi::Env env, int fd, int events, Napi::Function callback) {
  if (poll_ == nullptr) {
    std::shared_ptr<LoopState> state = AddonOf(env).loop;
    auto* poll = new Poll{{}, env, fd, this, state};
    const int error = uv_poll_init(state->loop, &poll->handle, fd);
    if (error != 0) {
      delete poll;
      ThrowErrno(env, -error, "uv_poll_init");
      return false;
    }
    poll->handle.data = poll;
    poll_ = poll;
    state->handles++;
    state->open.insert(this);
  }
  const int wanted = ((events & kReadable) ? UV_READABLE : 0) | ((events & kWritable) ? UV_WRITABLE : 0);
  const int error = uv_poll_start(&poll_->handle, wanted, OnPoll);
  if (error != 0) {
    ThrowErrno(env, -error, "uv_poll_start");
    return false;
  }
  callback_ = Napi::Persistent(callback);
  if (events_ == 0) owner_.Hold();
  events_ = events;
  return true;
}

void Watcher::Stop() {
  if (events_ == 0) return;
  uv_poll_stop(&poll_->handle);
  events_ = 0;
  callback_.Reset();
  owner_.Unhold();
}

void Watcher::Close() {
  if (poll_ == nullptr) return;
  Stop();
  Poll* poll = std::exchange(poll_, nullptr);
  poll->watcher = nullptr;
  poll->state->open.erase(this);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll->handle), OnClosed);
}

void Watcher::OnClosed(uv_handle_t* handle) {
  std::unique_ptr<Poll> poll(static_cast<Poll*>(handle->data));
  LoopState& state = *poll->state;
  if (--state.handles == 0 && state.ending) napi_remove_async_cleanup_hook(state.hook);
}

void Watcher::OnPoll(uv_poll_t* handle, int status, int uv_events) {
  auto* poll = static_cast<Poll*>(handle->data);
  Watcher* watcher = poll->watcher;
  if (watcher == nullptr || watcher->events_ == 0) return;

  int events = 0;
  if (status < 0) {
    // libuv has stopped the handle (POLLERR).
    events = kReadable | watcher->events_;
  } else {
    if (uv_events & UV_READABLE) events |= kReadable;
    if (uv_events & UV_WRITABLE) events |= kWritable;
    if ((watcher->events_ & kReadable) == 0 && HungUp(poll->fd)) events |= kReadable;
  }

  Napi::Env env(poll->env);
  Napi::HandleScope scope(env);
  // On this scope's stack, so that the owner lives on until the end even when the callback lets go of it.
  [[maybe_unused]] const Napi::Object self = watcher->owner_.Self();
  watcher->owner_.OnReady(env, events);
  // Level-triggered: wait on, unless the callback stopped or closed. (`poll` itself lives until a later turn.)
  if (poll->watcher != nullptr && watcher->events_ != 0 && !uv_is_active(reinterpret_cast<uv_handle_t*>(handle))) {
    const int wanted = ((watcher->events_ & kReadable) ? UV_READABLE : 0) |
                       ((watcher->events_ & kWritable) ? UV_WRITABLE : 0);
    uv_poll_start(handle, wanted, OnPoll);
  }
}

void Watcher::Call(Napi::Env env, std::initializer_list<napi_value> args) {
  if (callback_.IsEmpty()) return;
  const Napi::Function callback = callback_.Value();
  napi_make_callback(env, nullptr, owner_.Self(), callback, args.size(), args.begin(), nullptr);
  bool pending = false;
  napi_value error = nullptr;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok) {
    napi_fatal_exception(env, error);
  }
}

}  // namespace native
