// libpcap on a machine that is too busy for the kernel to hand packets over in time: none comes before it is asked how many there are.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>

static atomic_int is_asked;

int pcap_stats(void *handle, void *counts) {
  int (*stats)(void *, void *) = (int (*)(void *, void *))dlsym(RTLD_NEXT, "pcap_stats");
  const int status = stats(handle, counts);
  is_asked = 1;
  return status;
}

int pcap_dispatch(void *handle, int count, void *callback, unsigned char *user) {
  if (!is_asked) return 0;
  int (*dispatch)(void *, int, void *, unsigned char *) =
      (int (*)(void *, int, void *, unsigned char *))dlsym(RTLD_NEXT, "pcap_dispatch");
  return dispatch(handle, count, callback, user);
}
