// As much of a JavaScript engine as the addon needs to run without one: values, classes, one pending exception.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fake {

enum class Kind { kUndefined, kBoolean, kNumber, kString, kObject, kArray, kFunction, kBuffer, kTypedArray, kError };

struct Value;

/// A method or the getter of an accessor.
struct Method {
  napi_callback callback = nullptr;
  void* data = nullptr;
};

struct Value {
  Kind kind = Kind::kUndefined;
  double number = 0;
  std::string text;
  std::vector<Value*> elements;
  std::map<std::string, Value*> properties;
  // Functions; of a class: what its objects have.
  Method function;
  std::map<std::string, Method> members;
  // Objects of a class.
  Value* constructor = nullptr;
  void* wrapped = nullptr;
  napi_type_tag tag = {0, 0};
  // Buffers and typed arrays.
  napi_typedarray_type type = napi_uint8_array;
  void* data = nullptr;
  size_t length = 0;
  bool detached = false;
  // Called when the value goes.
  napi_finalize finalize = nullptr;
  void* finalize_data = nullptr;
  void* finalize_hint = nullptr;
};

inline Value* From(napi_value value) { return reinterpret_cast<Value*>(value); }
inline napi_value To(Value* value) { return reinterpret_cast<napi_value>(value); }

napi_env Environment();
Value* Undefined();
Value* Number(double number);
Value* Boolean(bool value);
Value* Array(std::vector<Value*> elements);
/// A Float64Array over memory of the caller's.
Value* Doubles(double* data, size_t count);
Value* Object();

/// Calls a function; null, with an exception pending, when it threw.
Value* Call(Value* function, const std::vector<Value*>& arguments);
/// The same for a method or an accessor of an object.
Value* CallMember(Value* object, const char* name, const std::vector<Value*>& arguments);
/// Takes the pending exception; false when there is none.
bool TakeException();
/// What the addon keeps for good (its classes) was made: values that are made from now on go with `Collect`.
void Keep();
/// Everything since `Keep` is garbage: its finalizers run.
void Collect();

}  // namespace fake
