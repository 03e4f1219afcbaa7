/**
 * What runs inside a machine of the lab before anybody logs in: a script of the initramfs, then one in the machine's root,
 * which still uses busybox where it can, because that is loaded already. The kernel's command line names the machine
 * (`tare.machine=source`) and says whether there is a share with unpacked packages (`tare.tools`).
 */

/** Where a machine finds the folder of its lab. */
const SHARE = '/run/tare';
const SSHD_PID_FILE = '/run/sshd.pid';

/**
 * The first program. The machine's root is the root of the machine that runs the lab, read-only through 9p, below a memory
 * file system that takes all changes; unpacked packages lie between.
 */
export const INIT_SCRIPT = `#!/bin/busybox sh
/bin/busybox mkdir -p /dev /proc /sys /host /tools /own /root
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in /modules/*; do insmod "$module"; done
share() {
  mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro "$1" "$2"
}
share host /host || echo "tare-lab failed: no root file system"
layers=/host
if grep -q tare.tools /proc/cmdline; then share tools /tools && layers=/tools:/host; fi
mount -t tmpfs own /own
mkdir /own/upper /own/work
mount -t overlay -o "lowerdir=$layers,upperdir=/own/upper,workdir=/own/work" root /root ||
  echo "tare-lab failed: no overlay"
for name in proc sys dev tmp run lib/modules; do mkdir -p "/root/$name"; done
mount --move /proc /root/proc
mount --move /sys /root/sys
mount --move /dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts devpts /root/dev/pts
mount -t tmpfs shm /root/dev/shm
mount -t tmpfs tmp /root/tmp
mount -t tmpfs run /root/run
chmod 1777 /root/tmp
mkdir -p /root${SHARE} /root/run/boot
share lab /root${SHARE}
share modules /root/lib/modules
cp /bin/busybox /boot.sh /root/run/boot
exec switch_root /root /bin/sh /run/boot/boot.sh
`;

/**
 * Devices by their addresses, keys from the share, and a plain shell for root: the machine's own may have much to do when it
 * starts. The file of passwords may be unreadable for whoever runs QEMU, and root then counts as locked out.
 */
export const BOOT_SCRIPT = `
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run/home
busybox() { /run/boot/busybox "$@"; }
busybox mkdir -p /run/home /run/sshd /run/keys
machine=$(busybox sed -n 's/.*tare\\.machine=\\([a-z]*\\).*/\\1/p' /proc/cmdline)
busybox hostname "$machine"
busybox ip link set lo up
for device in /sys/class/net/*; do
  read -r address <"$device/address"
  case $address in
    52:54:00:7a:00:*) busybox ip link set "\${device##*/}" name ctl0 ;;
    52:54:00:7a:01:*) busybox ip link set "\${device##*/}" name mig0 ;;
  esac
done
busybox ip addr add 10.0.2.15/24 dev ctl0
busybox ip link set ctl0 up
users=$(busybox grep -v -e '^root:' -e '^sshd:' /etc/passwd)
printf '%s\\n' 'root::0:0:root:/run/home:/bin/sh' 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin' "$users" >/etc/passwd
busybox rm -f /etc/shadow
printf '%s:*:1::::::\\n' root sshd >/etc/shadow
printf '127.0.0.1 localhost\\n%s\\n' "$(busybox cat ${SHARE}/hosts)" >/etc/hosts
echo "PS1='$machine# '" >/run/home/.profile
busybox cp ${SHARE}/host_key ${SHARE}/authorized_keys /run/keys
busybox chmod 600 /run/keys/*
modprobe -a -q $(busybox cat ${SHARE}/kernel_modules)
ethtool -K mig0 gso off gro off
ip -batch "${SHARE}/$machine.ip" && tc -batch "${SHARE}/$machine.tc" || echo "tare-lab failed: link"
/usr/sbin/sshd -f ${SHARE}/sshd_config || echo "tare-lab failed: sshd"
# It goes to the background, then listens, then writes its number.
until [ -s ${SSHD_PID_FILE} ]; do busybox sleep 0.01; done
echo "tare-lab ready"
while :; do busybox sleep 100000; done
`;

/** No reverse look-ups, no PAM, no greeting, and the key exchange that costs an emulated processor least. */
export const SSHD_CONFIG = `
HostKey /run/keys/host_key
AuthorizedKeysFile /run/keys/authorized_keys
PidFile ${SSHD_PID_FILE}
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
X11Forwarding no
MaxSessions 100
KexAlgorithms curve25519-sha256
Subsystem sftp internal-sftp
`;

/**
 * Modules that IPsec and the link need. Most would be loaded when first used; then the first run would differ from the next.
 * With the processor that QEMU emulates the AES and SHA instructions work, and help.
 */
export const KERNEL_MODULES = [
  'esp4',
  'ah4',
  'esp6',
  'ah6',
  'xfrm_user',
  'sch_netem',
  'sch_tbf',
  'tcp_diag',
  'aesni_intel',
  'ghash_clmulni_intel',
  'sha256_ssse3',
];
