#include "session.h"

#include <endian.h>
#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tare {
namespace {

// After so long the kernel hands over a piece of its ring that is not full.
constexpr int kTimeoutMs = 100;
// Longest wait without a look at whether the device is still there.
constexpr int kPollMs = 250;
// Where the reader takes the processor, the kernel's ring must be emptied all the same. Little is done here for each packet.
constexpr int kNiceness = -10;
// Packets between two looks at whether to stop.
constexpr int kBurst = 4096;
// After a request to stop: by then the kernel has handed over what had arrived, unless its own count says that something is
// missing. Where the machine is too busy for timers to come in time, so long is waited for it; something may always be
// missing, because libpcap passes over what the loopback device shows twice.
constexpr int64_t kStopMs = 2 * kTimeoutMs;
constexpr int64_t kLateStopMs = 5 * kTimeoutMs;

constexpr int kDltRaw = 12;
constexpr int kDltRawOpenBsd = 14;
constexpr int kLinkTypeRaw = 101;
constexpr int kDltLinuxCooked2 = 276;

constexpr uint32_t kEnhancedPacket = 6;
constexpr size_t kRecordHeaderBytes = 28;
constexpr size_t kRecordBytes = 32;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kMillisecondNs = 1'000'000;

int64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * kSecondNs + now.tv_nsec;
}

void PutU32(uint8_t* at, uint32_t value) {
  const uint32_t little = htole32(value);
  memcpy(at, &little, sizeof little);
}

}  // namespace

Session::~Session() {
  Close();
  if (wake_fd_ >= 0) close(wake_fd_);
}

OpenFailure Session::Open(const Libpcap* pcap, const SessionOptions& options, std::string* message) {
  pcap_ = pcap;
  device_ = options.device;
  char error[kErrorBufferBytes] = "";
  handle_ = pcap_->create(options.device.c_str(), error);
  if (handle_ == nullptr) {
    *message = error;
    return OpenFailure::kOther;
  }
  const OpenFailure failure = Configure(options, message);
  if (failure != OpenFailure::kNone) {
    pcap_->close(handle_);
    handle_ = nullptr;
    return failure;
  }
  device_index_ = if_nametoindex(device_.c_str());
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread(&Session::Run, this);
  return failure;
}

OpenFailure Session::Configure(const SessionOptions& options, std::string* message) {
  pcap_->set_snaplen(handle_, options.snap_length);
  pcap_->set_promisc(handle_, options.is_promiscuous ? 1 : 0);
  pcap_->set_timeout(handle_, kTimeoutMs);
  pcap_->set_buffer_size(handle_, options.buffer_bytes);
  if (pcap_->set_tstamp_precision != nullptr) pcap_->set_tstamp_precision(handle_, kNanosecondPrecision);
  const int status = pcap_->activate(handle_);
  if (status != 0) {
    const char* detail = pcap_->geterr(handle_);
    *message = detail[0] == '\0' ? pcap_->statustostr(status) : detail;
  }
  switch (status) {
    case kErrorNoSuchDevice: return OpenFailure::kNoDevice;
    case kErrorNotUp: return OpenFailure::kNotUp;
    case kErrorPermission:
    case kErrorPromiscuousPermission: return OpenFailure::kPermission;
    default: if (status < 0) return OpenFailure::kOther;
  }
  ChooseLinkType();
  has_nanoseconds_ = pcap_->get_tstamp_precision != nullptr &&
                     pcap_->get_tstamp_precision(handle_) == kNanosecondPrecision;
  char error[kErrorBufferBytes] = "";
  if (pcap_->setnonblock(handle_, 1, error) != 0) {
    *message = error;
    return OpenFailure::kOther;
  }
  return SetFilter(options.filter, message);
}

// Where packets of several devices come together, the second cooked header says which it was.
void Session::ChooseLinkType() {
  int* offered = nullptr;
  const int count = pcap_->list_datalinks(handle_, &offered);
  for (int i = 0; i < count; i++) {
    if (offered[i] == kDltLinuxCooked2 && device_ == "any") pcap_->set_datalink(handle_, kDltLinuxCooked2);
  }
  if (count > 0) pcap_->free_datalinks(offered);
  const int dlt = pcap_->datalink(handle_);
  link_type_ = dlt == kDltRaw || dlt == kDltRawOpenBsd ? kLinkTypeRaw : dlt;
}

OpenFailure Session::SetFilter(const std::string& filter, std::string* message) {
  if (filter.empty()) return OpenFailure::kNone;
  bpf_program program{};
  if (pcap_->compile(handle_, &program, filter.c_str(), 1, kNetmaskUnknown) != 0) {
    *message = pcap_->geterr(handle_);
    return OpenFailure::kFilter;
  }
  const int status = pcap_->setfilter(handle_, &program);
  pcap_->freecode(&program);
  if (status == 0) return OpenFailure::kNone;
  *message = pcap_->geterr(handle_);
  return OpenFailure::kFilter;
}

void Session::Start(std::vector<Block> blocks, uint64_t max_frames, std::function<void(size_t)> on_block,
                    std::function<void()> on_end) {
  std::lock_guard<std::mutex> lock(blocks_mutex_);
  blocks_ = std::move(blocks);
  max_frames_ = max_frames;
  on_block_ = std::move(on_block);
  on_end_ = std::move(on_end);
  free_.reserve(blocks_.size());
  for (size_t i = blocks_.size(); i > 0; i--) free_.push_back(i - 1);
  is_started_ = true;
  started_.notify_one();
}

void Session::Release(size_t index) {
  {
    std::lock_guard<std::mutex> lock(blocks_mutex_);
    free_.push_back(index);
  }
  block_freed_.notify_one();
}

void Session::Stop() {
  int64_t none = 0;
  stop_request_ns_.compare_exchange_strong(none, NowNs());
  const uint64_t one = 1;
  if (write(wake_fd_, &one, sizeof one) < 0) return;  // the counter is full: it is awake
}

void Session::Close() {
  {
    std::lock_guard<std::mutex> lock(blocks_mutex_);
    is_abandoned_ = true;
  }
  block_freed_.notify_one();
  started_.notify_one();
  if (thread_.joinable()) {
    Stop();
    thread_.join();
  }
  if (handle_ != nullptr) {
    pcap_->close(handle_);
    handle_ = nullptr;
  }
}

Counts Session::ReadCounts() {
  std::lock_guard<std::mutex> lock(counts_mutex_);
  if (handle_ != nullptr) UpdateCounts();
  return counts_;
}

size_t Session::CountTaken() {
  std::lock_guard<std::mutex> lock(blocks_mutex_);
  return blocks_.size() - free_.size();
}

// libpcap counts in 32 bits, which wrap within the hour at a million packets a second.
void Session::UpdateCounts() {
  pcap_stat now{};
  if (pcap_->stats(handle_, &now) != 0) return;
  counts_.received += static_cast<uint32_t>(now.ps_recv - last_stat_.ps_recv);
  counts_.kernel_drops += static_cast<uint32_t>(now.ps_drop - last_stat_.ps_drop);
  // What libpcap reads in sysfs: back at zero, which looks like a wrap, once the interface is gone or its driver began anew.
  const auto interface_drops = static_cast<int32_t>(now.ps_ifdrop - last_stat_.ps_ifdrop);
  if (interface_drops > 0) counts_.interface_drops += interface_drops;
  last_stat_ = now;
}

// False if nobody wants the packets any more.
bool Session::WaitForStart() {
  std::unique_lock<std::mutex> lock(blocks_mutex_);
  started_.wait(lock, [this] { return is_started_ || is_abandoned_; });
  return is_started_;
}

void Session::Run() {
  // Without the right to it, the thread stays as it is. Of Linux, 0 means the calling thread.
  setpriority(PRIO_PROCESS, 0, kNiceness);
  if (!WaitForStart()) return;
  while (!is_finished_ && !is_abandoned_) {
    if (stop_time_ns_ == 0) stop_time_ns_ = stop_request_ns_;
    // Before the ring is looked at: whatever holds this thread up in between, nothing stays behind in it.
    const bool is_over = IsStopOver();
    const int count = pcap_->dispatch(handle_, kBurst, TakePacket, reinterpret_cast<unsigned char*>(this));
    if (count > 0) continue;
    HandOver();
    if (count < 0 && HasDeviceVanished()) {
      end_message_ = "the interface is gone";
    } else if (count < 0) {
      end_message_ = pcap_->geterr(handle_);
    }
    if (count < 0 || is_over || !WaitForPackets()) break;
  }
  HandOver();
  {
    std::lock_guard<std::mutex> lock(counts_mutex_);
    UpdateCounts();
    pcap_->close(handle_);
    handle_ = nullptr;
  }
  on_end_();
}

// Whether the ring holds, at the latest by now, all that had arrived when the stop was asked for.
bool Session::IsStopOver() {
  if (stop_time_ns_ == 0) return false;
  const int64_t waited_ms = (NowNs() - stop_time_ns_) / kMillisecondNs;
  if (waited_ms <= kStopMs) return false;
  std::lock_guard<std::mutex> lock(counts_mutex_);
  UpdateCounts();
  return waited_ms > kLateStopMs || frames_ + counts_.kernel_drops >= counts_.received;
}

// False if no more are to come.
bool Session::WaitForPackets() {
  pollfd waiting[] = {{pcap_->get_selectable_fd(handle_), POLLIN, 0}, {wake_fd_, POLLIN, 0}};
  // Once woken to stop, only the ring matters.
  const int ready = poll(waiting, stop_time_ns_ == 0 ? 2 : 1, stop_time_ns_ == 0 ? kPollMs : kTimeoutMs / 4);
  const bool has_failed = (waiting[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
  if ((ready == 0 || has_failed) && HasDeviceVanished()) {
    end_message_ = "the interface is gone";
    return false;
  }
  return true;
}

// By its number: its name may have changed, or be another device's by now.
bool Session::HasDeviceVanished() const {
  char name[IF_NAMESIZE];
  return device_index_ != 0 && if_indextoname(device_index_, name) == nullptr && errno == ENXIO;
}

void Session::TakePacket(unsigned char* user, const pcap_pkthdr* header, const unsigned char* bytes) {
  reinterpret_cast<Session*>(user)->Append(*header, bytes);
}

void Session::Append(const pcap_pkthdr& header, const unsigned char* bytes) {
  if (is_finished_) return;
  const int64_t fraction_ns = has_nanoseconds_ ? header.ts.tv_usec : header.ts.tv_usec * 1000;
  const int64_t time_ns = header.ts.tv_sec * kSecondNs + fraction_ns;
  if (stop_time_ns_ != 0 && time_ns > stop_time_ns_) {
    is_finished_ = true;
    return;
  }
  const size_t padded = (header.caplen + 3u) & ~size_t{3};
  const size_t record_bytes = kRecordBytes + padded;
  if (current_ != nullptr && (current_->frames == current_->capacity ||
                              current_->data_bytes - current_->bytes < record_bytes)) {
    HandOver();
  }
  if (current_ == nullptr && !TakeFreeBlock()) return;

  Block& block = *current_;
  uint8_t* at = block.data + block.bytes;
  PutU32(at, kEnhancedPacket);
  PutU32(at + 4, static_cast<uint32_t>(record_bytes));
  PutU32(at + 8, 0);
  PutU32(at + 12, static_cast<uint32_t>(static_cast<uint64_t>(time_ns) >> 32));
  PutU32(at + 16, static_cast<uint32_t>(time_ns));
  PutU32(at + 20, header.caplen);
  PutU32(at + 24, header.len);
  memcpy(at + kRecordHeaderBytes, bytes, header.caplen);
  memset(at + kRecordHeaderBytes + header.caplen, 0, padded - header.caplen);
  PutU32(at + kRecordHeaderBytes + padded, static_cast<uint32_t>(record_bytes));

  const size_t i = block.frames++;
  block.offset[i] = static_cast<uint32_t>(block.bytes + kRecordHeaderBytes);
  block.captured_length[i] = header.caplen;
  block.wire_length[i] = header.len;
  block.time_seconds[i] = static_cast<double>(header.ts.tv_sec);
  block.time_nanoseconds[i] = static_cast<uint32_t>(fraction_ns);
  block.link_type[i] = static_cast<uint16_t>(link_type_);
  block.frame_number[i] = static_cast<double>(++frames_);
  block.bytes += record_bytes;
  if (frames_ == max_frames_) is_finished_ = true;
}

// Waits for the reader if need be. False if there is no reader any more.
bool Session::TakeFreeBlock() {
  std::unique_lock<std::mutex> lock(blocks_mutex_);
  block_freed_.wait(lock, [this] { return !free_.empty() || is_abandoned_; });
  if (is_abandoned_) {
    is_finished_ = true;
    return false;
  }
  current_ = &blocks_[free_.back()];
  free_.pop_back();
  current_->frames = 0;
  current_->bytes = 0;
  return true;
}

void Session::HandOver() {
  if (current_ == nullptr) return;
  const size_t index = static_cast<size_t>(current_ - blocks_.data());
  current_ = nullptr;
  on_block_(index);
}

}  // namespace tare
