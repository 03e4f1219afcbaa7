// libpcap as far as it is used here, found when the program runs: no headers are needed to build, and where the library is
// missing everything but live capture works. Signatures as in pcap(3PCAP) since libpcap 1.0; what came later may be null.
#pragma once

#include <sys/time.h>
#include <string>
#include <vector>

namespace tare {

struct pcap_t;

struct bpf_program {
  unsigned int length;
  void* instructions;
};

struct pcap_pkthdr {
  timeval ts;  // tv_usec holds nanoseconds where they were asked for and granted
  unsigned int caplen;
  unsigned int len;
};

struct pcap_stat {
  unsigned int ps_recv;  // passed the filter, dropped ones included
  unsigned int ps_drop;
  unsigned int ps_ifdrop;
};

struct pcap_if_t {
  pcap_if_t* next;
  char* name;
  char* description;
  void* addresses;
  unsigned int flags;
};

constexpr int kErrorBufferBytes = 256;
constexpr unsigned int kIfLoopback = 1;
constexpr unsigned int kIfUp = 2;
constexpr unsigned int kIfRunning = 4;

constexpr int kErrorNoSuchDevice = -5;
constexpr int kErrorPermission = -8;
constexpr int kErrorNotUp = -9;
constexpr int kErrorPromiscuousPermission = -11;
constexpr int kNanosecondPrecision = 1;
constexpr unsigned int kNetmaskUnknown = 0xffffffff;

using PacketHandler = void (*)(unsigned char* user, const pcap_pkthdr* header, const unsigned char* bytes);

struct Libpcap {
  const char* (*lib_version)();
  pcap_t* (*create)(const char* device, char* error);
  int (*set_snaplen)(pcap_t*, int);
  int (*set_promisc)(pcap_t*, int);
  int (*set_timeout)(pcap_t*, int);
  int (*set_buffer_size)(pcap_t*, int);
  int (*set_tstamp_precision)(pcap_t*, int);  // 1.5, null before
  int (*get_tstamp_precision)(pcap_t*);       // 1.5, null before
  int (*activate)(pcap_t*);
  const char* (*statustostr)(int);
  char* (*geterr)(pcap_t*);
  int (*datalink)(pcap_t*);
  int (*list_datalinks)(pcap_t*, int**);
  void (*free_datalinks)(int*);
  int (*set_datalink)(pcap_t*, int);
  int (*compile)(pcap_t*, bpf_program*, const char*, int optimize, unsigned int netmask);
  int (*setfilter)(pcap_t*, bpf_program*);
  void (*freecode)(bpf_program*);
  int (*setnonblock)(pcap_t*, int, char* error);
  int (*get_selectable_fd)(pcap_t*);
  int (*dispatch)(pcap_t*, int count, PacketHandler, unsigned char* user);
  int (*stats)(pcap_t*, pcap_stat*);
  void (*close)(pcap_t*);
  int (*findalldevs)(pcap_if_t**, char* error);
  void (*freealldevs)(pcap_if_t*);
};

// Takes the first library of these names that is there; one that is loaded already stays.
// Returns null and says why in `error` if none is.
const Libpcap* LoadLibpcap(const std::vector<std::string>& names, std::string* error);

// What LoadLibpcap found; null before.
const Libpcap* LoadedLibpcap();

}  // namespace tare
