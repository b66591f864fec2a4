#include "engine.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

struct napi_ref__ {
  fake::Value* value;
  uint32_t count;
};

struct napi_callback_info__ {
  fake::Value* self;
  fake::Value* new_target;
  const std::vector<fake::Value*>* arguments;
  void* data;
};

namespace fake {
namespace {

std::vector<std::unique_ptr<Value>> values;
size_t kept = 0;
Value* exception = nullptr;
void* instance_data = nullptr;

Value* Make(Kind kind) {
  values.push_back(std::make_unique<Value>());
  values.back()->kind = kind;
  return values.back().get();
}

Value* Invoke(const Method& method, Value* self, Value* new_target, const std::vector<Value*>& arguments) {
  napi_callback_info__ info = {self, new_target, &arguments, method.data};
  napi_value result = method.callback(Environment(), &info);
  if (exception != nullptr) return nullptr;
  return result == nullptr ? Undefined() : From(result);
}

void Finalize(Value& value) {
  const napi_finalize finalize = std::exchange(value.finalize, nullptr);
  if (finalize != nullptr) finalize(Environment(), value.finalize_data, value.finalize_hint);
}

}  // namespace

napi_env Environment() {
  static int environment;
  return reinterpret_cast<napi_env>(&environment);
}

Value* Undefined() {
  static Value undefined;
  return &undefined;
}

Value* Number(double number) {
  Value* value = Make(Kind::kNumber);
  value->number = number;
  return value;
}

Value* Boolean(bool flag) {
  Value* value = Make(Kind::kBoolean);
  value->number = flag ? 1 : 0;
  return value;
}

Value* Array(std::vector<Value*> elements) {
  Value* value = Make(Kind::kArray);
  value->elements = std::move(elements);
  return value;
}

Value* Doubles(double* data, size_t count) {
  Value* value = Make(Kind::kTypedArray);
  value->type = napi_float64_array;
  value->data = data;
  value->length = count;
  return value;
}

Value* Object() { return Make(Kind::kObject); }

Value* Call(Value* function, const std::vector<Value*>& arguments) {
  return Invoke(function->function, Undefined(), nullptr, arguments);
}

Value* CallMember(Value* object, const char* name, const std::vector<Value*>& arguments) {
  return Invoke(object->constructor->members.at(name), object, nullptr, arguments);
}

bool TakeException() { return std::exchange(exception, nullptr) != nullptr; }

void Keep() { kept = values.size(); }

void Collect() {
  // The latest first: buffers before what they are views of.
  for (size_t i = values.size(); i > kept; i--) Finalize(*values[i - 1]);
  values.resize(kept);
}

}  // namespace fake

using fake::From;
using fake::Kind;
using fake::To;
using fake::Value;

extern "C" {

napi_status napi_get_undefined(napi_env, napi_value* result) {
  *result = To(fake::Undefined());
  return napi_ok;
}
napi_status napi_get_boolean(napi_env, bool flag, napi_value* result) {
  *result = To(fake::Boolean(flag));
  return napi_ok;
}
napi_status napi_create_double(napi_env, double number, napi_value* result) {
  *result = To(fake::Number(number));
  return napi_ok;
}
napi_status napi_create_object(napi_env, napi_value* result) {
  *result = To(fake::Object());
  return napi_ok;
}
napi_status napi_create_string_utf8(napi_env, const char* text, size_t length, napi_value* result) {
  Value* value = fake::Make(Kind::kString);
  value->text = length == NAPI_AUTO_LENGTH ? std::string(text) : std::string(text, length);
  *result = To(value);
  return napi_ok;
}
napi_status napi_create_error(napi_env, napi_value, napi_value message, napi_value* result) {
  Value* value = fake::Make(Kind::kError);
  value->text = From(message)->text;
  *result = To(value);
  return napi_ok;
}
napi_status napi_create_type_error(napi_env env, napi_value code, napi_value message, napi_value* result) {
  return napi_create_error(env, code, message, result);
}
napi_status napi_create_range_error(napi_env env, napi_value code, napi_value message, napi_value* result) {
  return napi_create_error(env, code, message, result);
}
napi_status napi_create_function(napi_env, const char*, size_t, napi_callback callback, void* data, napi_value* result) {
  Value* value = fake::Make(Kind::kFunction);
  value->function = {callback, data};
  *result = To(value);
  return napi_ok;
}
napi_status napi_create_arraybuffer(napi_env, size_t length, void** data, napi_value* result) {
  Value* value = fake::Make(Kind::kBuffer);
  value->length = length;
  if (data != nullptr) *data = nullptr;
  *result = To(value);
  return napi_ok;
}
napi_status napi_create_external_arraybuffer(napi_env, void* data, size_t length, napi_finalize finalize, void* hint,
                                             napi_value* result) {
  Value* value = fake::Make(Kind::kBuffer);
  value->data = value->finalize_data = data;
  value->length = length;
  value->finalize = finalize;
  value->finalize_hint = hint;
  *result = To(value);
  return napi_ok;
}

napi_status napi_typeof(napi_env, napi_value value, napi_valuetype* result) {
  switch (From(value)->kind) {
    case Kind::kUndefined: *result = napi_undefined; break;
    case Kind::kBoolean: *result = napi_boolean; break;
    case Kind::kNumber: *result = napi_number; break;
    case Kind::kString: *result = napi_string; break;
    case Kind::kFunction: *result = napi_function; break;
    default: *result = napi_object;
  }
  return napi_ok;
}
napi_status napi_is_array(napi_env, napi_value value, bool* result) {
  *result = From(value)->kind == Kind::kArray;
  return napi_ok;
}
napi_status napi_get_value_bool(napi_env, napi_value value, bool* result) {
  if (From(value)->kind != Kind::kBoolean) return napi_boolean_expected;
  *result = From(value)->number != 0;
  return napi_ok;
}
napi_status napi_get_value_double(napi_env, napi_value value, double* result) {
  if (From(value)->kind != Kind::kNumber) return napi_number_expected;
  *result = From(value)->number;
  return napi_ok;
}
napi_status napi_get_value_string_utf8(napi_env, napi_value, char*, size_t, size_t*) { return napi_string_expected; }
napi_status napi_get_array_length(napi_env, napi_value value, uint32_t* result) {
  *result = static_cast<uint32_t>(From(value)->elements.size());
  return napi_ok;
}
napi_status napi_get_element(napi_env, napi_value value, uint32_t index, napi_value* result) {
  *result = To(From(value)->elements.at(index));
  return napi_ok;
}
napi_status napi_get_typedarray_info(napi_env, napi_value value, napi_typedarray_type* type, size_t* length, void** data,
                                     napi_value*, size_t*) {
  if (From(value)->kind != Kind::kTypedArray) return napi_invalid_arg;
  *type = From(value)->type;
  *length = From(value)->length;
  *data = From(value)->data;
  return napi_ok;
}
napi_status napi_set_named_property(napi_env, napi_value object, const char* name, napi_value value) {
  From(object)->properties[name] = From(value);
  return napi_ok;
}
napi_status napi_get_property(napi_env, napi_value, napi_value, napi_value* result) {
  *result = To(fake::Undefined());
  return napi_ok;
}
napi_status napi_has_property(napi_env, napi_value, napi_value, bool* result) {
  *result = false;
  return napi_ok;
}
napi_status napi_define_properties(napi_env, napi_value, size_t, const napi_property_descriptor*) { return napi_ok; }

napi_status napi_define_class(napi_env, const char*, size_t, napi_callback constructor, void* data, size_t count,
                              const napi_property_descriptor* properties, napi_value* result) {
  Value* value = fake::Make(Kind::kFunction);
  value->function = {constructor, data};
  for (size_t i = 0; i < count; i++) {
    const napi_property_descriptor& property = properties[i];
    const napi_callback callback = property.method != nullptr ? property.method : property.getter;
    value->members[property.utf8name] = {callback, property.data};
  }
  *result = To(value);
  return napi_ok;
}
napi_status napi_new_instance(napi_env, napi_value constructor, size_t count, const napi_value* arguments,
                              napi_value* result) {
  Value* object = fake::Object();
  object->constructor = From(constructor);
  std::vector<Value*> list;
  for (size_t i = 0; i < count; i++) list.push_back(From(arguments[i]));
  if (fake::Invoke(From(constructor)->function, object, From(constructor), list) == nullptr) return napi_pending_exception;
  *result = To(object);
  return napi_ok;
}
napi_status napi_get_cb_info(napi_env, napi_callback_info info, size_t* count, napi_value* arguments, napi_value* self,
                             void** data) {
  if (count != nullptr) {
    const size_t room = *count;
    *count = info->arguments->size();
    for (size_t i = 0; arguments != nullptr && i < room; i++) {
      arguments[i] = To(i < *count ? (*info->arguments)[i] : fake::Undefined());
    }
  }
  if (self != nullptr) *self = To(info->self);
  if (data != nullptr) *data = info->data;
  return napi_ok;
}
napi_status napi_get_new_target(napi_env, napi_callback_info info, napi_value* result) {
  *result = info->new_target == nullptr ? nullptr : To(info->new_target);
  return napi_ok;
}

napi_status napi_wrap(napi_env env, napi_value object, void* native, napi_finalize finalize, void* hint, napi_ref* result) {
  From(object)->wrapped = From(object)->finalize_data = native;
  From(object)->finalize = finalize;
  From(object)->finalize_hint = hint;
  return result == nullptr ? napi_ok : napi_create_reference(env, object, 0, result);
}
napi_status napi_unwrap(napi_env, napi_value object, void** result) {
  *result = From(object)->wrapped;
  return napi_ok;
}
napi_status napi_remove_wrap(napi_env, napi_value object, void** result) {
  if (result != nullptr) *result = From(object)->wrapped;
  From(object)->wrapped = nullptr;
  From(object)->finalize = nullptr;
  return napi_ok;
}
napi_status napi_add_finalizer(napi_env, napi_value, void*, napi_finalize, void*, napi_ref*) { return napi_ok; }
napi_status napi_type_tag_object(napi_env, napi_value object, const napi_type_tag* tag) {
  From(object)->tag = *tag;
  return napi_ok;
}
napi_status napi_check_object_type_tag(napi_env, napi_value object, const napi_type_tag* tag, bool* result) {
  *result = From(object)->tag.lower == tag->lower && From(object)->tag.upper == tag->upper;
  return napi_ok;
}

napi_status napi_create_reference(napi_env, napi_value value, uint32_t count, napi_ref* result) {
  *result = new napi_ref__{From(value), count};
  return napi_ok;
}
napi_status napi_delete_reference(napi_env, napi_ref reference) {
  delete reference;
  return napi_ok;
}
napi_status napi_reference_ref(napi_env, napi_ref reference, uint32_t* result) {
  reference->count++;
  if (result != nullptr) *result = reference->count;
  return napi_ok;
}
napi_status napi_reference_unref(napi_env, napi_ref reference, uint32_t* result) {
  reference->count--;
  if (result != nullptr) *result = reference->count;
  return napi_ok;
}
napi_status napi_get_reference_value(napi_env, napi_ref reference, napi_value* result) {
  *result = To(reference->value);
  return napi_ok;
}

napi_status napi_is_detached_arraybuffer(napi_env, napi_value value, bool* result) {
  *result = From(value)->detached;
  return napi_ok;
}
napi_status napi_detach_arraybuffer(napi_env, napi_value value) {
  From(value)->detached = true;
  return napi_ok;
}

napi_status napi_throw(napi_env, napi_value error) {
  fake::exception = From(error);
  return napi_ok;
}
napi_status napi_is_exception_pending(napi_env, bool* result) {
  *result = fake::exception != nullptr;
  return napi_ok;
}
napi_status napi_get_and_clear_last_exception(napi_env, napi_value* result) {
  Value* error = std::exchange(fake::exception, nullptr);
  *result = To(error == nullptr ? fake::Undefined() : error);
  return napi_ok;
}
napi_status napi_get_last_error_info(node_api_basic_env, const napi_extended_error_info** result) {
  static const napi_extended_error_info nothing = {};
  *result = &nothing;
  return napi_ok;
}
NAPI_NO_RETURN void napi_fatal_error(const char*, size_t, const char*, size_t) { abort(); }

napi_status napi_set_instance_data(node_api_basic_env, void* data, napi_finalize, void*) {
  fake::instance_data = data;
  return napi_ok;
}
napi_status napi_get_instance_data(node_api_basic_env, void** data) {
  *data = fake::instance_data;
  return napi_ok;
}

napi_status napi_open_handle_scope(napi_env, napi_handle_scope*) { return napi_ok; }
napi_status napi_close_handle_scope(napi_env, napi_handle_scope) { return napi_ok; }
napi_status napi_open_escapable_handle_scope(napi_env, napi_escapable_handle_scope*) { return napi_ok; }
napi_status napi_close_escapable_handle_scope(napi_env, napi_escapable_handle_scope) { return napi_ok; }
napi_status napi_escape_handle(napi_env, napi_escapable_handle_scope, napi_value value, napi_value* result) {
  *result = value;
  return napi_ok;
}

// What no code here gets to.
napi_status napi_create_bigint_uint64(napi_env, uint64_t, napi_value*) { abort(); }
napi_status napi_create_array_with_length(napi_env, size_t, napi_value*) { abort(); }
napi_status napi_set_element(napi_env, napi_value, uint32_t, napi_value) { abort(); }
napi_status napi_call_function(napi_env, napi_value, napi_value, size_t, const napi_value*, napi_value*) { abort(); }
napi_status napi_async_destroy(napi_env, napi_async_context) { abort(); }
napi_status napi_close_callback_scope(napi_env, napi_callback_scope) { abort(); }
const char* uv_err_name(int) { abort(); }

}  // extern "C"
