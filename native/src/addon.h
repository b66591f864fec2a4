// What one environment (main thread or worker) owns, and how handles are made and recognised.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <utility>

#include "errors.h"
#include "fd.h"

namespace native {

struct LoopState;

enum class Kind { kUnixSocket, kUnixListener, kEventFd, kMapping, kScatterGather, kPipe, kDrmDevice, kBrokerLink };
constexpr size_t kKinds = 8;

/// Instance data: one per environment, never a global, because each worker loads the addon too.
struct Addon {
  Napi::FunctionReference constructors[kKinds];
  std::shared_ptr<LoopState> loop;
  /// What the constructor that runs next takes over; null when JavaScript calls it, which is refused.
  void* pending = nullptr;
  /// /dev/udmabuf, once it was needed.
  UniqueFd udmabuf;
};

inline Addon& AddonOf(Napi::Env env) { return *env.GetInstanceData<Addon>(); }

inline napi_type_tag TagOf(Kind kind) {
  return {0x7668757365726770 + static_cast<uint64_t>(kind), 0x9c1f0a6be2d84537};
}

/// A JavaScript object that owns a native `T`. `T` has `static constexpr Kind kKind`, `kName` and a nested
/// `State` that its constructor `T(info)` takes with `Take`.
template <typename T>
class Handle : public Napi::ObjectWrap<T> {
 public:
  using Napi::ObjectWrap<T>::ObjectWrap;

  /// Makes an object out of `state`. Empty, with an exception pending, on failure (the state is freed).
  template <typename State>
  static Napi::Value Create(Napi::Env env, State state) {
    Addon& addon = AddonOf(env);
    addon.pending = &state;
    Napi::Object object = addon.constructors[static_cast<size_t>(T::kKind)].New(std::initializer_list<napi_value>{});
    addon.pending = nullptr;
    return object;
  }

  /// The native object behind an argument; null with a TypeError pending for anything else. The tag, unlike
  /// instanceof, can't be forged and tells our objects from those of other addons.
  static T* From(Napi::Env env, napi_value value, const char* name) {
    const napi_type_tag tag = TagOf(T::kKind);
    bool matches = false;
    napi_valuetype type = napi_undefined;
    // The tag check leaves its own exception pending for null and undefined, so these first.
    if (napi_typeof(env, value, &type) == napi_ok && type == napi_object &&
        napi_check_object_type_tag(env, value, &tag, &matches) == napi_ok && matches) {
      void* object = nullptr;
      if (napi_unwrap(env, value, &object) == napi_ok && object != nullptr) return static_cast<T*>(object);
    }
    if (!env.IsExceptionPending()) ThrowType(env, std::string(name) + " must be a " + T::kName);
    return nullptr;
  }

 protected:
  /// In the constructor of `T`: the state to take over, or null with a TypeError pending.
  template <typename State>
  static State* Take(const Napi::CallbackInfo& info) {
    Addon& addon = AddonOf(info.Env());
    State* state = static_cast<State*>(std::exchange(addon.pending, nullptr));
    if (state == nullptr) {
      ThrowType(info.Env(), std::string(T::kName) + " can't be constructed; use the functions of the module");
      return nullptr;
    }
    const napi_type_tag tag = TagOf(T::kKind);
    napi_type_tag_object(info.Env(), info.This(), &tag);
    return state;
  }
};

template <typename T>
void Register(Napi::Env env, Addon& addon, std::initializer_list<Napi::ClassPropertyDescriptor<T>> properties) {
  addon.constructors[static_cast<size_t>(T::kKind)] = Napi::Persistent(T::DefineClass(env, T::kName, properties));
}

}  // namespace native
