#include "napi-block.h"

#include <cstdint>

#include "napi-values.h"

namespace tare {
namespace {

// Memory of one typed array of a FrameBlock, noted in `kept` so that it stays. Null if it is not what it must be.
void* TakeArray(napi_env env, napi_value block, const char* name, napi_typedarray_type wanted, size_t length,
                napi_value kept) {
  const napi_value value = Property(env, block, name);
  bool is_array = false;
  if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array) return nullptr;
  napi_typedarray_type type;
  size_t found = 0;
  void* data = nullptr;
  napi_value buffer;
  napi_get_typedarray_info(env, value, &type, &found, &data, &buffer, nullptr);
  bool is_plain = false;
  // A SharedArrayBuffer is none of these.
  if (napi_is_arraybuffer(env, buffer, &is_plain) != napi_ok || !is_plain) return nullptr;
  if (type != wanted || found < length) return nullptr;
  uint32_t index = 0;
  napi_get_array_length(env, kept, &index);
  napi_set_element(env, kept, index, value);
  return data;
}

}  // namespace

bool TakeBlock(napi_env env, napi_value value, napi_value kept, Block* block) {
  double capacity = 0;
  double data_bytes = 0;
  if (!ToNumber(env, Property(env, value, "capacity"), &capacity) || !(capacity >= 1 && capacity <= 1 << 24)) return false;
  if (!ToNumber(env, Property(env, Property(env, value, "data"), "length"), &data_bytes)) return false;
  // A record of the longest snapshot must fit.
  if (!(data_bytes >= 262144 + 64 && data_bytes <= INT32_MAX)) return false;
  const size_t n = static_cast<size_t>(capacity);
  auto take = [&](const char* name, napi_typedarray_type type, size_t length) {
    return TakeArray(env, value, name, type, length, kept);
  };
  *block = Block{
      static_cast<uint8_t*>(take("data", napi_uint8_array, static_cast<size_t>(data_bytes))),
      static_cast<size_t>(data_bytes),
      n,
      static_cast<uint32_t*>(take("offset", napi_uint32_array, n)),
      static_cast<uint32_t*>(take("capturedLength", napi_uint32_array, n)),
      static_cast<uint32_t*>(take("wireLength", napi_uint32_array, n)),
      static_cast<double*>(take("timeSeconds", napi_float64_array, n)),
      static_cast<uint32_t*>(take("timeNanoseconds", napi_uint32_array, n)),
      static_cast<uint16_t*>(take("linkType", napi_uint16_array, n)),
      static_cast<double*>(take("frameNumber", napi_float64_array, n)),
      0,
      0,
  };
  return block->data != nullptr && block->offset != nullptr && block->captured_length != nullptr &&
         block->wire_length != nullptr && block->time_seconds != nullptr &&
         block->time_nanoseconds != nullptr && block->link_type != nullptr && block->frame_number != nullptr;
}

}  // namespace tare
