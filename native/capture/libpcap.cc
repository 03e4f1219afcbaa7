#include "libpcap.h"

#include <dlfcn.h>
#include <mutex>

namespace tare {
namespace {

std::mutex loading;
Libpcap functions;
bool is_loaded = false;

// Name of the first function that the library lacks; null if it has all.
const char* Resolve(void* library, Libpcap* found) {
  const char* missing = nullptr;
  auto take = [&](auto& function, const char* name, bool is_required = true) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    if (function == nullptr && is_required && missing == nullptr) missing = name;
  };
  take(found->lib_version, "pcap_lib_version");
  take(found->create, "pcap_create");
  take(found->set_snaplen, "pcap_set_snaplen");
  take(found->set_promisc, "pcap_set_promisc");
  take(found->set_timeout, "pcap_set_timeout");
  take(found->set_buffer_size, "pcap_set_buffer_size");
  take(found->set_tstamp_precision, "pcap_set_tstamp_precision", false);
  take(found->get_tstamp_precision, "pcap_get_tstamp_precision", false);
  take(found->activate, "pcap_activate");
  take(found->statustostr, "pcap_statustostr");
  take(found->geterr, "pcap_geterr");
  take(found->datalink, "pcap_datalink");
  take(found->list_datalinks, "pcap_list_datalinks");
  take(found->free_datalinks, "pcap_free_datalinks");
  take(found->set_datalink, "pcap_set_datalink");
  take(found->compile, "pcap_compile");
  take(found->setfilter, "pcap_setfilter");
  take(found->freecode, "pcap_freecode");
  take(found->setnonblock, "pcap_setnonblock");
  take(found->get_selectable_fd, "pcap_get_selectable_fd");
  take(found->dispatch, "pcap_dispatch");
  take(found->stats, "pcap_stats");
  take(found->close, "pcap_close");
  take(found->findalldevs, "pcap_findalldevs");
  take(found->freealldevs, "pcap_freealldevs");
  return missing;
}

}  // namespace

const Libpcap* LoadLibpcap(const std::vector<std::string>& names, std::string* error) {
  std::lock_guard<std::mutex> lock(loading);
  if (is_loaded) return &functions;
  for (const std::string& name : names) {
    void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      *error = dlerror();
      continue;
    }
    Libpcap found;
    const char* missing = Resolve(library, &found);
    if (missing == nullptr) {
      // Never closed: sessions of any thread may be using it.
      functions = found;
      is_loaded = true;
      return &functions;
    }
    *error = name + " has no " + missing;
    dlclose(library);
  }
  return nullptr;
}

const Libpcap* LoadedLibpcap() {
  std::lock_guard<std::mutex> lock(loading);
  return is_loaded ? &functions : nullptr;
}

}  // namespace tare
