#!/usr/bin/env bash
# Everything of a release, on a bare Debian with Go at /usr/local/go: into bin/.
set -euo pipefail
export PATH="$PATH:/usr/local/go/bin" DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends ca-certificates debian-archive-keyring gcc git libc6-dev make \
  gcc-aarch64-linux-gnu libc6-dev-arm64-cross
git config --global --add safe.directory "$PWD"
make images release-binaries VERSION="$VERSION"
if [ -d manifests/chart ]; then make chart-package VERSION="$VERSION"; fi
