#!/bin/sh
# SPDX-License-Identifier: MIT
# Cuts the power of a virtual machine with ext4 on a disk that is served, while
# it writes files and syncs each: whatever the guest said was synced has to be
# there when it boots again, and the file system has to be whole.
#
#	tests/guest.sh [CUTS]
: "${KIOBUF:=$(cd "$(dirname "$0")/.." && pwd)/build/kiobuf}"
export KIOBUF
. "$(dirname "$0")/lib.sh"
CUTS=${1:-2}
PATH=$PATH:/sbin:/usr/sbin
kernel=$(ls /boot/vmlinuz-*-cloud-amd64 2>/dev/null | tail -n 1)
modules=/lib/modules/${kernel#*vmlinuz-}/kernel/drivers
for tool in qemu-system-x86_64 busybox cpio mkfs.ext4 e2fsck; do
	command -v $tool >/dev/null || kernel=
done
if [ ! -r "$kernel" ] || [ ! -d "$modules" ]; then
	skip "guest" "it needs qemu-system-x86 linux-image-cloud-amd64 busybox-static cpio e2fsprogs"
	finish
	exit
fi

# --- the guest: busybox, and what it does ---
mkdir -p root/bin root/dev root/proc root/mnt root/lib
cp "$(command -v busybox)" root/bin
for module in virtio/virtio_ring virtio/virtio virtio/virtio_pci_modern_dev virtio/virtio_pci_legacy_dev \
	virtio/virtio_pci block/virtio_blk; do
	[ ! -f "$modules/$module.ko" ] || cp "$modules/$module.ko" root/lib
done
cat >root/init <<'EOI'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
	[ ! -f /lib/$module.ko ] || insmod /lib/$module.ko
done
mount -t ext4 $(sed 's/.*options=\([^ ]*\).*/-o \1/' /proc/cmdline) /dev/vda /mnt || poweroff -f
if grep -q phase=write /proc/cmdline; then
	n=0
	while n=$((n + 1)) && [ $n -le 400 ]; do
		dd if=/dev/urandom of=/mnt/new bs=10000 count=$((1 + n % 7)) 2>/dev/null
		mv /mnt/new /mnt/$n
		sync
		echo "synced $n $(md5sum </mnt/$n)"
	done
else
	cd /mnt && for file in [0-9]*; do echo "found $file $(md5sum <$file)"; done
	cd / && umount /mnt
fi
poweroff -f
EOI
chmod +x root/init
(cd root && find . | cpio -o -H newc --quiet) | gzip -1 >initrd

# boot PHASE OPTIONS: on ./sock; says what it does in ./console. In a process of its own.
boot() {
	exec timeout 120 qemu-system-x86_64 -m 256 -nodefaults -display none -no-reboot -serial file:console \
		-kernel "$kernel" -initrd initrd -append "console=ttyS0 quiet panic=-1 phase=$1 options=$2" \
		-drive driver=nbd,server.type=unix,server.path=sock,if=none,id=disk,cache.direct=on \
		-device virtio-blk-pci,drive=disk,write-cache=on >qemu.log 2>&1
}

# crash SEED SYNCS OPTIONS [IMAGE]: cuts the power when so many files are synced, and boots again
crash() {
	rm -f disk.img sock ctl.sock
	: >console
	truncate -s 64M disk.img
	mkfs.ext4 -q -F disk.img
	serve "powercut name=mains seed=$1 image=${4:-mix} | file disk.img" --ctl ctl.sock
	boot write "$3" &
	guest=$!
	own_pids="$own_pids $guest"
	for _ in $(seq 600); do
		[ "$(grep -ac ^synced console)" -lt "$2" ] || break
		sleep 0.1
	done
	# what is said later may be of after the cut: sync(1) tells of no error
	tr -d '\r' <console | sed -n 's/^synced \([0-9]* [0-9a-f]\{32\}  -\)$/\1/p' >synced
	./ctl cut mains >/dev/null
	kill "$guest" 2>/dev/null
	wait "$guest" 2>/dev/null
	./ctl restore mains >/dev/null
	(boot check defaults)
	tr -d '\r' <console | grep -a ^found | sed 's/^found //' >found
	kill "$SERVER"
	wait "$SERVER"
	lost=$(grep -vxF -f found synced | wc -l)
	echo "seed=$1 options=$3: $(wc -l <synced) files synced, $(wc -l <found) found, $lost of the former lost"
}

control_scripts
for seed in $(seq "$CUTS"); do
	crash "$seed" $((5 + seed * 7 % 20)) defaults
	check "guest: seed $seed: it wrote" test "$(wc -l <synced)" -ge 5
	check "guest: seed $seed: what it had synced is there" test "$lost" -eq 0
	check "guest: seed $seed: the file system is whole" e2fsck -fn disk.img
done
crash 1 8 barrier=0 dropped
check "guest: without barriers the loss is found" test "$lost" -gt 0
finish
