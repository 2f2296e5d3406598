#!/usr/bin/env bash
# What is installed is whole, works from where it is, and names its own place.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"

DESTDIR=$folder cmake --install "$ASSENT_BIN/.." --prefix /opt/assent \
	>"$folder/log"
root=$folder/opt/assent
for file in bin/assent bin/assent-cli bin/assentd bin/assent-exec \
	share/man/man1/assent.1 share/man/man5/assent.rules.5 share/man/man8/assentd.8 \
	share/bash-completion/completions/assent \
	lib/systemd/system/assentd.service \
	lib/systemd/system/assent-rules.service \
	lib/systemd/system/assent-rules.timer lib/sysusers.d/assent.conf; do
	[[ -s $root/$file ]] || { echo "FAILED: no $file"; exit 1; }
done
grep -qx "ExecStart=/opt/assent/bin/assentd --foreground" \
	"$root/lib/systemd/system/assentd.service"
grep -q "^ExecStart=/opt/assent/bin/assent rules fetch " \
	"$root/lib/systemd/system/assent-rules.service"
# README.md is there with all that it leads to.
doc=$root/share/doc/assent
while read -r link; do
	[[ -e $doc/$link ]] || { echo "FAILED: README.md leads to no $link"; exit 1; }
done < <(grep -o '](docs/[^)#]*' "$doc/README.md" | cut -c3-)
"$root/bin/assent" --version
"$root/bin/assentd" --settings >"$folder/settings"
grep -q approval_policy "$folder/settings"
bash -n "$root/share/bash-completion/completions/assent"
if command -v systemd-analyze >/dev/null; then
	units=$root/lib/systemd/system
	sed -i "s|/opt/assent|$root|" "$units"/*.service
	systemd-analyze verify --man=no "$units/assentd.service" \
		"$units/assent-rules.service" "$units/assent-rules.timer" 2>&1 |
		grep -v 'Failed to connect' |
		grep -E 'assentd.service|assent-rules' && exit 1
fi

# Without the program that has all commands the rest is still there.
rm "$root/bin/assent-cli"
status=0
"$root/bin/assent" status 2>"$folder/said" || status=$?
[[ $status == 70 ]] || { echo "FAILED: status $status"; exit 1; }
grep -q "cannot start '$root/bin/assent-cli'" "$folder/said"
"$root/bin/assent" hook --help | grep -q '^Usage: assent hook'
exit 0
