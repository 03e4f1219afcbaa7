#include "capabilities.h"

#include <dirent.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace tare {
namespace {

constexpr int kAnswerPolls = 200;
constexpr long kPollNs = 1'000'000;

std::atomic<int> answers{0};

void DropOwn() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  syscall(SYS_capset, &header, none);
}

void OnSignal(int) {
  const int saved = errno;
  DropOwn();
  answers++;
  errno = saved;
}

int Signal() { return SIGRTMAX - 2; }

// Whether /proc's account of a thread shows the signal as blocked, and whether it has capabilities left.
bool ReadStatus(int thread, bool* blocks, bool* has_capabilities) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/status", thread);
  FILE* file = fopen(path, "re");
  if (file == nullptr) return false;
  char line[256];
  unsigned long long mask = 0;
  while (fgets(line, sizeof line, file) != nullptr) {
    if (sscanf(line, "SigBlk: %llx", &mask) == 1) *blocks = (mask >> (Signal() - 1) & 1) != 0;
    if (sscanf(line, "CapPrm: %llx", &mask) == 1) *has_capabilities = mask != 0;
  }
  fclose(file);
  return true;
}

// Threads that still have capabilities, by whether they can be asked.
bool FindThreads(std::set<int>* reachable, std::set<int>* unreachable) {
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return false;
  while (const dirent* entry = readdir(tasks)) {
    const int thread = atoi(entry->d_name);
    bool blocks = false;
    bool has_capabilities = false;
    if (thread <= 0 || !ReadStatus(thread, &blocks, &has_capabilities) || !has_capabilities) continue;
    (blocks ? unreachable : reachable)->insert(thread);
  }
  closedir(tasks);
  return true;
}

void Ask(const std::set<int>& threads) {
  const int before = answers;
  int asked = 0;
  for (const int thread : threads) {
    if (syscall(SYS_tgkill, getpid(), thread, Signal()) == 0) asked++;
  }
  const timespec pause{0, kPollNs};
  for (int i = 0; i < kAnswerPolls && answers - before < asked; i++) nanosleep(&pause, nullptr);
}

}  // namespace

int DropCapabilities() {
  struct sigaction ours {};
  struct sigaction before {};
  ours.sa_handler = OnSignal;
  ours.sa_flags = SA_RESTART;
  sigfillset(&ours.sa_mask);
  if (sigaction(Signal(), &ours, &before) != 0) return -1;
  DropOwn();
  std::set<int> reachable;
  std::set<int> unreachable;
  // A thread may start another one before it is asked: look again until there is none.
  for (int round = 0; round < 3; round++) {
    reachable.clear();
    unreachable.clear();
    if (!FindThreads(&reachable, &unreachable)) break;
    if (reachable.empty()) break;
    Ask(reachable);
  }
  sigaction(Signal(), &before, nullptr);
  return static_cast<int>(reachable.size() + unreachable.size());
}

}  // namespace tare
