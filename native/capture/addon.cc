// The border to JavaScript: src/capture/live/native-addon.ts says what each function takes and gives. Plain Node-API, whose
// binary interface holds for every later Node.

#include <node_api.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "capabilities.h"
#include "libpcap.h"
#include "napi-block.h"
#include "napi-values.h"
#include "session.h"

namespace {

using tare::Block;
using tare::FromNumber;
using tare::FromString;
using tare::Libpcap;
using tare::Misuse;
using tare::OpenFailure;
using tare::Property;
using tare::Session;
using tare::SetProperty;
using tare::ToNumber;
using tare::ToString;
using tare::Undefined;

constexpr size_t kMostArguments = 5;
// Marks our handles: a foreign one is refused, not followed.
constexpr napi_type_tag kHandleTag = {0x7461726563617074, 0x6c69766573657373};

// What a handle points to. Lives until the handle is collected; the thread is joined before.
struct LiveCapture {
  Session session;
  napi_env env = nullptr;
  napi_threadsafe_function events = nullptr;
  // Keep the blocks' memory, and the handle itself, while the thread runs.
  napi_ref blocks = nullptr;
  napi_ref handle = nullptr;
};

struct Arguments {
  size_t count = kMostArguments;
  napi_value values[kMostArguments];
};

Arguments ReadArguments(napi_env env, napi_callback_info info) {
  Arguments arguments;
  napi_get_cb_info(env, info, &arguments.count, arguments.values, nullptr, nullptr);
  return arguments;
}

LiveCapture* ToCapture(napi_env env, napi_value handle) {
  bool is_ours = false;
  void* capture = nullptr;
  if (napi_check_object_type_tag(env, handle, &kHandleTag, &is_ours) != napi_ok || !is_ours ||
      napi_get_value_external(env, handle, &capture) != napi_ok) {
    Misuse(env, "not a handle of a live capture");
    return nullptr;
  }
  return static_cast<LiveCapture*>(capture);
}

// load(names: string[]): string
napi_value Load(napi_env env, napi_callback_info info) {
  const Arguments arguments = ReadArguments(env, info);
  uint32_t count = 0;
  if (napi_get_array_length(env, arguments.values[0], &count) != napi_ok) {
    return Misuse(env, "load takes an array of names");
  }
  std::vector<std::string> names(count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value name;
    napi_get_element(env, arguments.values[0], i, &name);
    if (!ToString(env, name, &names[i])) return Misuse(env, "load takes an array of names");
  }
  std::string error;
  const Libpcap* pcap = tare::LoadLibpcap(names, &error);
  if (pcap != nullptr) return FromString(env, pcap->lib_version());
  napi_throw_error(env, "NO_LIBPCAP", error.c_str());
  return nullptr;
}

const Libpcap* RequireLibpcap(napi_env env) {
  const Libpcap* pcap = tare::LoadedLibpcap();
  if (pcap == nullptr) Misuse(env, "load comes first");
  return pcap;
}

// listInterfaces(): { name, description, isUp, isRunning, isLoopback }[]
napi_value ListInterfaces(napi_env env, napi_callback_info) {
  const Libpcap* pcap = RequireLibpcap(env);
  if (pcap == nullptr) return nullptr;
  char error[tare::kErrorBufferBytes] = "";
  tare::pcap_if_t* devices = nullptr;
  if (pcap->findalldevs(&devices, error) != 0) {
    napi_throw_error(env, "OTHER", error);
    return nullptr;
  }
  napi_value list;
  napi_create_array(env, &list);
  uint32_t index = 0;
  for (const tare::pcap_if_t* device = devices; device != nullptr; device = device->next) {
    napi_value entry;
    napi_create_object(env, &entry);
    auto set_flag = [&](const char* name, unsigned int flag) {
      napi_value value;
      napi_get_boolean(env, (device->flags & flag) != 0, &value);
      SetProperty(env, entry, name, value);
    };
    SetProperty(env, entry, "name", FromString(env, device->name));
    SetProperty(env, entry, "description",
                FromString(env, device->description == nullptr ? "" : device->description));
    set_flag("isUp", tare::kIfUp);
    set_flag("isRunning", tare::kIfRunning);
    set_flag("isLoopback", tare::kIfLoopback);
    napi_set_element(env, list, index++, entry);
  }
  pcap->freealldevs(devices);
  return list;
}

const char* CodeOf(OpenFailure failure) {
  switch (failure) {
    case OpenFailure::kPermission: return "PERMISSION";
    case OpenFailure::kNoDevice: return "NO_DEVICE";
    case OpenFailure::kNotUp: return "NOT_UP";
    case OpenFailure::kFilter: return "FILTER";
    default: return "OTHER";
  }
}

bool ReadOptions(napi_env env, napi_value object, tare::SessionOptions* options) {
  double snap_length = 0;
  double buffer_bytes = 0;
  const bool is_complete =
      ToString(env, Property(env, object, "device"), &options->device) &&
      ToString(env, Property(env, object, "filter"), &options->filter) &&
      ToNumber(env, Property(env, object, "snapLength"), &snap_length) &&
      ToNumber(env, Property(env, object, "bufferBytes"), &buffer_bytes) &&
      napi_get_value_bool(env, Property(env, object, "promiscuous"), &options->is_promiscuous) == napi_ok;
  if (!is_complete || !(snap_length >= 1 && snap_length <= 262144) ||
      !(buffer_bytes >= 1 && buffer_bytes <= INT32_MAX)) {
    return false;
  }
  options->snap_length = static_cast<int>(snap_length);
  options->buffer_bytes = static_cast<int>(buffer_bytes);
  return true;
}

// Before the environment frees what the thread writes to.
void EndWithEnvironment(void* data) { static_cast<LiveCapture*>(data)->session.Close(); }

void Finalize(napi_env env, void* data, void*) {
  LiveCapture* capture = static_cast<LiveCapture*>(data);
  napi_remove_env_cleanup_hook(env, EndWithEnvironment, capture);
  delete capture;
}

// open(options): { handle, linkType, hasNanoseconds, warning }
napi_value Open(napi_env env, napi_callback_info info) {
  const Arguments arguments = ReadArguments(env, info);
  const Libpcap* pcap = RequireLibpcap(env);
  if (pcap == nullptr) return nullptr;
  tare::SessionOptions options;
  if (!ReadOptions(env, arguments.values[0], &options)) return Misuse(env, "options of open are not as they must be");
  auto capture = std::make_unique<LiveCapture>();
  capture->env = env;
  std::string message;
  const OpenFailure failure = capture->session.Open(pcap, options, &message);
  if (failure != OpenFailure::kNone) {
    napi_throw_error(env, CodeOf(failure), message.c_str());
    return nullptr;
  }
  napi_value handle;
  const int link_type = capture->session.link_type();
  const bool has_nanoseconds = capture->session.has_nanoseconds();
  napi_create_external(env, capture.release(), Finalize, nullptr, &handle);
  napi_type_tag_object(env, handle, &kHandleTag);
  napi_value result;
  napi_value flag;
  napi_create_object(env, &result);
  napi_get_boolean(env, has_nanoseconds, &flag);
  SetProperty(env, result, "handle", handle);
  SetProperty(env, result, "linkType", FromNumber(env, link_type));
  SetProperty(env, result, "hasNanoseconds", flag);
  SetProperty(env, result, "warning", FromString(env, message));
  return result;
}

// Lets go of everything that was kept for the thread, which has ended.
void LetGo(napi_env env, LiveCapture* capture, napi_threadsafe_function_release_mode mode) {
  if (capture->events == nullptr) return;
  napi_release_threadsafe_function(capture->events, mode);
  capture->events = nullptr;
  napi_delete_reference(env, capture->blocks);
  napi_delete_reference(env, capture->handle);
}

// On the JavaScript thread. `data` is the index of a block plus one; null is the end.
void DeliverEvent(napi_env env, napi_value on_event, void* context, void* data) {
  LiveCapture* capture = static_cast<LiveCapture*>(context);
  if (env == nullptr || capture->events == nullptr) return;
  napi_value arguments[4];
  if (data == nullptr) {
    const std::string message = capture->session.end_message();
    capture->session.Close();
    arguments[0] = FromNumber(env, -1);
    arguments[1] = arguments[2] = FromNumber(env, 0);
    arguments[3] = FromString(env, message);
    LetGo(env, capture, napi_tsfn_release);
  } else {
    const size_t index = reinterpret_cast<uintptr_t>(data) - 1;
    const Block& block = capture->session.block(index);
    arguments[0] = FromNumber(env, static_cast<double>(index));
    arguments[1] = FromNumber(env, static_cast<double>(block.frames));
    arguments[2] = FromNumber(env, static_cast<double>(block.bytes));
    arguments[3] = FromString(env, "");
  }
  napi_call_function(env, Undefined(env), on_event, 4, arguments, nullptr);
}

// start(handle, blocks: FrameBlock[], maxFrames, onEvent(index, frames, bytes, message))
napi_value Start(napi_env env, napi_callback_info info) {
  const Arguments arguments = ReadArguments(env, info);
  LiveCapture* capture = ToCapture(env, arguments.values[0]);
  if (capture == nullptr) return nullptr;
  if (capture->blocks != nullptr) return Misuse(env, "a capture starts once");
  uint32_t count = 0;
  double max_frames = 0;
  if (napi_get_array_length(env, arguments.values[1], &count) != napi_ok || count == 0 ||
      !ToNumber(env, arguments.values[2], &max_frames) || !(max_frames >= 0)) {
    return Misuse(env, "start takes a handle, blocks, a number of frames and a function");
  }
  napi_value kept;
  napi_create_array(env, &kept);
  std::vector<Block> blocks(count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value block;
    napi_get_element(env, arguments.values[1], i, &block);
    if (!tare::TakeBlock(env, block, kept, &blocks[i])) return Misuse(env, "a block is not a FrameBlock large enough");
  }
  if (napi_create_threadsafe_function(env, arguments.values[3], nullptr, FromString(env, "tare live capture"), 0, 1,
                                      nullptr, nullptr, capture, DeliverEvent, &capture->events) != napi_ok) {
    return Misuse(env, "start takes a function");
  }
  napi_create_reference(env, kept, 1, &capture->blocks);
  napi_create_reference(env, arguments.values[0], 1, &capture->handle);
  // Hooks run last first: the thread has ended before the function it calls goes.
  napi_add_env_cleanup_hook(env, EndWithEnvironment, capture);
  const napi_threadsafe_function events = capture->events;
  capture->session.Start(
      std::move(blocks), static_cast<uint64_t>(max_frames),
      [events](size_t index) {
        napi_call_threadsafe_function(events, reinterpret_cast<void*>(index + 1), napi_tsfn_nonblocking);
      },
      [events] { napi_call_threadsafe_function(events, nullptr, napi_tsfn_nonblocking); });
  return Undefined(env);
}

// release(handle, index)
napi_value Release(napi_env env, napi_callback_info info) {
  const Arguments arguments = ReadArguments(env, info);
  LiveCapture* capture = ToCapture(env, arguments.values[0]);
  if (capture == nullptr) return nullptr;
  uint32_t index = 0;
  if (napi_get_value_uint32(env, arguments.values[1], &index) != napi_ok || index >= capture->session.block_count()) {
    return Misuse(env, "no such block");
  }
  capture->session.Release(index);
  return Undefined(env);
}

// counts(handle): { received, kernelDrops, interfaceDrops }
napi_value ReadCounts(napi_env env, napi_callback_info info) {
  const Arguments arguments = ReadArguments(env, info);
  LiveCapture* capture = ToCapture(env, arguments.values[0]);
  if (capture == nullptr) return nullptr;
  const tare::Counts counts = capture->session.ReadCounts();
  napi_value result;
  napi_create_object(env, &result);
  SetProperty(env, result, "received", FromNumber(env, static_cast<double>(counts.received)));
  SetProperty(env, result, "kernelDrops", FromNumber(env, static_cast<double>(counts.kernel_drops)));
  SetProperty(env, result, "interfaceDrops", FromNumber(env, static_cast<double>(counts.interface_drops)));
  return result;
}

// taken(handle): number
napi_value CountTaken(napi_env env, napi_callback_info info) {
  const Arguments arguments = ReadArguments(env, info);
  LiveCapture* capture = ToCapture(env, arguments.values[0]);
  if (capture == nullptr) return nullptr;
  return FromNumber(env, static_cast<double>(capture->session.CountTaken()));
}

// stop(handle)
napi_value Stop(napi_env env, napi_callback_info info) {
  const Arguments arguments = ReadArguments(env, info);
  LiveCapture* capture = ToCapture(env, arguments.values[0]);
  if (capture != nullptr) capture->session.Stop();
  return Undefined(env);
}

// close(handle)
napi_value Close(napi_env env, napi_callback_info info) {
  const Arguments arguments = ReadArguments(env, info);
  LiveCapture* capture = ToCapture(env, arguments.values[0]);
  if (capture == nullptr) return nullptr;
  capture->session.Close();
  LetGo(env, capture, napi_tsfn_abort);
  return Undefined(env);
}

// dropCapabilities(): number
napi_value DropCapabilities(napi_env env, napi_callback_info) {
  return FromNumber(env, tare::DropCapabilities());
}

}  // namespace

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"load", nullptr, Load, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"listInterfaces", nullptr, ListInterfaces, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"open", nullptr, Open, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"start", nullptr, Start, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"release", nullptr, Release, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"counts", nullptr, ReadCounts, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"taken", nullptr, CountTaken, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"stop", nullptr, Stop, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"close", nullptr, Close, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"dropCapabilities", nullptr, DropCapabilities, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions);
  return exports;
}
