// The same transfer as `simulateTransfer` of a BulkSource, in ns-3: two hosts, one point-to-point link, BulkSend over TCP.
//
//   g++ -O2 -std=c++17 bulk-transfer.cc -o bulk-transfer -lns3-applications -lns3-point-to-point -lns3-internet \
//       -lns3-traffic-control -lns3-network -lns3-stats -lns3-core
//   ./bulk-transfer --bytes=1073741824 --linkBps=1e9 --rttNs=1000000 --loss=0 --queuePackets=5000 --congestion=cubic --seed=1
//
// Prints one line of JSON. --linkBps is the rate of Ethernet frames with preamble, FCS and gap (1538 bytes for a segment of 1448);
// the point-to-point link has frames of 1502, so that its rate is scaled to carry as many segments per second.

#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include "ns3/traffic-control-module.h"

#include <chrono>
#include <cstdio>

using namespace ns3;

namespace {

const uint32_t kSegmentBytes = 1448;
const uint32_t kEthernetLineBytes = 1538;
const uint32_t kPointToPointBytes = 1502;

uint64_t receivedBytes = 0;
uint64_t segments = 0;
uint64_t retransmissions = 0;
SequenceNumber32 highestSent(0);

void CountReceived(uint64_t total, Ptr<const Packet> packet, const Address&) {
  receivedBytes += packet->GetSize();
  if (receivedBytes >= total) Simulator::Stop();
}

void CountSent(Ptr<const Packet> packet, const TcpHeader& header, Ptr<const TcpSocketBase>) {
  if (packet->GetSize() == 0) return;
  segments++;
  const SequenceNumber32 end = header.GetSequenceNumber() + packet->GetSize();
  if (highestSent != SequenceNumber32(0) && end <= highestSent) retransmissions++;
  else highestSent = end;
}

void WatchSocket(Ptr<BulkSendApplication> sender) {
  sender->GetSocket()->GetObject<TcpSocketBase>()->TraceConnectWithoutContext("Tx", MakeCallback(&CountSent));
}

}  // namespace

int main(int argc, char* argv[]) {
  uint64_t bytes = 1ull << 30;
  double linkBps = 1e9;
  uint64_t rttNs = 200000;
  double loss = 0;
  uint32_t queuePackets = 1000;
  std::string congestion = "cubic";
  uint32_t seed = 1;
  uint32_t segmentsPerAck = 2;
  uint32_t sendBufferBytes = 4 << 20;
  bool count = true;
  CommandLine commandLine;
  commandLine.AddValue("bytes", "bytes of the transfer", bytes);
  commandLine.AddValue("linkBps", "bits per second of Ethernet", linkBps);
  commandLine.AddValue("rttNs", "round-trip time", rttNs);
  commandLine.AddValue("loss", "probability of loss of each data packet", loss);
  commandLine.AddValue("queuePackets", "places in the queue", queuePackets);
  commandLine.AddValue("congestion", "cubic or reno", congestion);
  commandLine.AddValue("seed", "run of the random number generator", seed);
  commandLine.AddValue("segmentsPerAck", "1: no delayed acknowledgements", segmentsPerAck);
  commandLine.AddValue("sendBufferBytes", "memory of the sender's socket", sendBufferBytes);
  commandLine.AddValue("count", "count segments and retransmissions: costs time", count);
  commandLine.Parse(argc, argv);

  RngSeedManager::SetSeed(1);
  RngSeedManager::SetRun(seed);
  Config::SetDefault("ns3::TcpL4Protocol::SocketType",
                     TypeIdValue(congestion == "cubic" ? TcpCubic::GetTypeId() : TcpNewReno::GetTypeId()));
  Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(kSegmentBytes));
  Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
  Config::SetDefault("ns3::TcpSocket::DelAckCount", UintegerValue(segmentsPerAck));
  Config::SetDefault("ns3::TcpSocket::DelAckTimeout", TimeValue(MilliSeconds(40)));
  Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(sendBufferBytes));
  // So large that it never limits: ns-3.37 crashes (TcpRateLinux::SkbSent) when less than a segment is left of the receiver's window
  Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(32 << 20));
  Config::SetDefault("ns3::TcpSocketBase::MinRto", TimeValue(MilliSeconds(200)));

  NodeContainer hosts;
  hosts.Create(2);
  PointToPointHelper link;
  const double scaledBps = linkBps * kPointToPointBytes / kEthernetLineBytes;
  link.SetDeviceAttribute("DataRate", DataRateValue(DataRate(static_cast<uint64_t>(scaledBps))));
  link.SetChannelAttribute("Delay", TimeValue(NanoSeconds(rttNs / 2)));
  link.SetQueue("ns3::DropTailQueue", "MaxSize", QueueSizeValue(QueueSize(PACKETS, queuePackets)));
  NetDeviceContainer devices = link.Install(hosts);
  if (loss > 0) {
    Ptr<RateErrorModel> errors = CreateObject<RateErrorModel>();
    errors->SetUnit(RateErrorModel::ERROR_UNIT_PACKET);
    errors->SetRate(loss);
    devices.Get(1)->SetAttribute("ReceiveErrorModel", PointerValue(errors));
  }
  InternetStackHelper stack;
  stack.Install(hosts);
  Ipv4AddressHelper addresses;
  addresses.SetBase("10.9.0.0", "255.255.255.0");
  Ipv4InterfaceContainer interfaces = addresses.Assign(devices);
  // The helper above puts FqCoDel before the device, whose own queue then never fills
  TrafficControlHelper().Uninstall(devices);

  const uint16_t port = 49152;
  PacketSinkHelper sink("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), port));
  ApplicationContainer sinks = sink.Install(hosts.Get(1));
  sinks.Get(0)->TraceConnectWithoutContext("Rx", MakeBoundCallback(&CountReceived, bytes));
  BulkSendHelper bulk("ns3::TcpSocketFactory", InetSocketAddress(interfaces.GetAddress(1), port));
  bulk.SetAttribute("MaxBytes", UintegerValue(bytes));
  bulk.SetAttribute("SendSize", UintegerValue(131072));
  ApplicationContainer senders = bulk.Install(hosts.Get(0));
  senders.Start(Seconds(0));
  if (count) {
    Simulator::Schedule(NanoSeconds(1), &WatchSocket, senders.Get(0)->GetObject<BulkSendApplication>());
  }

  const auto before = std::chrono::steady_clock::now();
  Simulator::Run();
  const double wallSeconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  std::printf(
      "{\"receivedBytes\":%llu,\"seconds\":%.6f,\"segments\":%llu,\"retransmissions\":%llu,\"wallSeconds\":%.3f}\n",
      static_cast<unsigned long long>(receivedBytes), Simulator::Now().GetSeconds(),
      static_cast<unsigned long long>(segments), static_cast<unsigned long long>(retransmissions), wallSeconds);
  Simulator::Destroy();
  return 0;
}
