#!/bin/sh
# The first program of a machine (or systemd's service): tries what guest.py
# names, and ends the machine.
cd /srv/assent/tests/kernels || exit 1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ $$ = 1 ]; then
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t tmpfs run /run
	mkdir -p /dev/pts /dev/shm
	mount -t devpts devpts /dev/pts
	mount -t tmpfs -o mode=1777 shm /dev/shm
	mount -t tmpfs -o mode=1777 tmp /tmp
	mount -t securityfs security /sys/kernel/security
	ip link set lo up
	hostname machine
fi
python3 -B guest.py "$(cat /srv/assent/boot)" >/dev/ttyS1 2>&1 </dev/null
sync
echo o >/proc/sysrq-trigger
sleep 60
