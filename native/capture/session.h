// One live capture: a libpcap handle, a thread that empties it, and blocks that go back and forth between that thread and
// whoever reads.
//
// Theory of operation. The blocks are the reader's memory, a fixed number of them. A block belongs to the thread while it is
// free or being filled, to the reader from `on_block` until `Release`. When no block is free, the thread waits and leaves the
// packets to the kernel's ring; when that is full too, the kernel drops, and counts what it drops. So memory never grows, and
// there is one count of lost packets: the kernel's.
//
// Records are written as Enhanced Packet Blocks of pcapng for interface 0, little endian, nanoseconds: a file is made of them
// without touching a packet again. The arrays beside them say where each frame lies.
//
// Stopping takes what had arrived by then: the kernel hands over its ring in pieces, the last of them after a timeout. The thread
// goes on until it sees a packet from after the request, or until that timeout has gone by and the kernel has counted no more
// packets than came.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libpcap.h"

namespace tare {

struct SessionOptions {
  std::string device;
  std::string filter;
  int snap_length = 0;
  bool is_promiscuous = true;
  int buffer_bytes = 0;
};

enum class OpenFailure { kNone, kPermission, kNoDevice, kNotUp, kFilter, kOther };

// Memory of a FrameBlock (src/packet/frame-block.ts), which stays where it is while the session lives.
struct Block {
  uint8_t* data;
  size_t data_bytes;
  size_t capacity;
  uint32_t* offset;
  uint32_t* captured_length;
  uint32_t* wire_length;
  double* time_seconds;
  uint32_t* time_nanoseconds;
  uint16_t* link_type;
  double* frame_number;
  // Filled so far.
  size_t frames;
  size_t bytes;
};

struct Counts {
  uint64_t received = 0;  // passed the filter, dropped ones included
  uint64_t kernel_drops = 0;
  uint64_t interface_drops = 0;
};

class Session {
 public:
  Session() = default;
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Opens the device: what needs rights happens here, raising the priority of the thread that is to empty it included.
  // `message` says what failed, or warns if nothing did.
  OpenFailure Open(const Libpcap* pcap, const SessionOptions& options, std::string* message);

  // Lets the thread begin. `on_block` (index of a filled block) and `on_end` are called there; nothing is after `on_end`.
  // `max_frames`: ends by itself after so many; 0 for no such end.
  void Start(std::vector<Block> blocks, uint64_t max_frames, std::function<void(size_t)> on_block,
             std::function<void()> on_end);

  // Gives a block back.
  void Release(size_t index);

  // Asks for an end in order; all blocks come, then `on_end`.
  void Stop();

  // Ends now: what has not been handed over is lost. Waits for the thread.
  void Close();

  Counts ReadCounts();

  // Blocks that are not free: with the reader, on the way to it, or being filled.
  size_t CountTaken();

  // LINKTYPE_ value of the frames.
  int link_type() const { return link_type_; }
  bool has_nanoseconds() const { return has_nanoseconds_; }
  const Block& block(size_t index) const { return blocks_[index]; }
  size_t block_count() const { return blocks_.size(); }
  // Why the capture ended by itself; empty if it was asked to. To be read after `on_end`.
  const std::string& end_message() const { return end_message_; }

 private:
  static void TakePacket(unsigned char* user, const pcap_pkthdr* header, const unsigned char* bytes);
  OpenFailure Configure(const SessionOptions& options, std::string* message);
  OpenFailure SetFilter(const std::string& filter, std::string* message);
  void ChooseLinkType();
  void Run();
  bool IsStopOver();
  bool WaitForPackets();
  bool HasDeviceVanished() const;
  bool WaitForStart();
  bool TakeFreeBlock();
  void HandOver();
  void UpdateCounts();
  void Append(const pcap_pkthdr& header, const unsigned char* bytes);

  const Libpcap* pcap_ = nullptr;
  pcap_t* handle_ = nullptr;
  std::string device_;
  unsigned int device_index_ = 0;  // 0: no interface of its own, as for "any"
  int link_type_ = 0;
  bool has_nanoseconds_ = false;
  int wake_fd_ = -1;

  std::thread thread_;
  std::vector<Block> blocks_;
  std::function<void(size_t)> on_block_;
  std::function<void()> on_end_;
  std::string end_message_;

  // Of the thread alone.
  Block* current_ = nullptr;
  uint64_t frames_ = 0;
  uint64_t max_frames_ = 0;
  int64_t stop_time_ns_ = 0;  // 0: not asked to stop
  bool is_finished_ = false;

  std::atomic<int64_t> stop_request_ns_{0};
  std::atomic<bool> is_abandoned_{false};

  std::mutex blocks_mutex_;
  std::condition_variable started_;
  bool is_started_ = false;
  std::condition_variable block_freed_;
  std::vector<size_t> free_;

  std::mutex counts_mutex_;
  Counts counts_;
  pcap_stat last_stat_{};
};

}  // namespace tare
