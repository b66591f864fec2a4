// The process's end of the broker (broker/broker.h).
#pragma once

#include "fd_handle.h"

namespace native {

class BrokerLink final : public Handle<BrokerLink> {
 public:
  static constexpr Kind kKind = Kind::kBrokerLink;
  static constexpr const char* kName = "BrokerLink";
  using State = UniqueFd;

  static void Init(Napi::Env env, Addon& addon, Napi::Object exports);
  explicit BrokerLink(const Napi::CallbackInfo& info);

 private:
  Napi::Value Connect(const Napi::CallbackInfo& info);
  Napi::Value Remove(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  UniqueFd fd_;
};

}  // namespace native
