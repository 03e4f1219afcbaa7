// Values of JavaScript to values of C++ and back.
#pragma once

#include <node_api.h>

#include <string>

namespace tare {

napi_value Undefined(napi_env env);
napi_value FromString(napi_env env, const std::string& text);
napi_value FromNumber(napi_env env, double number);
void SetProperty(napi_env env, napi_value object, const char* name, napi_value value);

// Undefined if `object` has none of that name, or is no object.
napi_value Property(napi_env env, napi_value object, const char* name);

// False if that is not what `value` is.
bool ToString(napi_env env, napi_value value, std::string* text);
bool ToNumber(napi_env env, napi_value value, double* number);

// Throws a TypeError. Returns null, for functions to return.
napi_value Misuse(napi_env env, const char* message);

}  // namespace tare
