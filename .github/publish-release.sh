#!/usr/bin/env bash
# Push what build-release.sh has built, and make the release. Needs VERSION, REGISTRY, ACTOR
# and GH_TOKEN.
set -euo pipefail
crane() { go run github.com/google/go-containerregistry/cmd/crane@v0.22.1 "$@"; }
helm() { go run helm.sh/helm/v4/cmd/helm@v4.3.1 "$@"; }
echo "$GH_TOKEN" | crane auth login "${REGISTRY%%/*}" --username "$ACTOR" --password-stdin
for layout in bin/images/*/; do
  name=$(basename "$layout")
  crane push "$layout" "$REGISTRY/$name:$VERSION" >>bin/release/image-digests.txt
done
if [ -f bin/chart/"ashlar-${VERSION#v}.tgz" ]; then
  echo "$GH_TOKEN" | helm registry login "${REGISTRY%%/*}" --username "$ACTOR" --password-stdin
  helm push bin/chart/"ashlar-${VERSION#v}.tgz" "oci://$REGISTRY/charts"
fi
cp bin/images/*.spdx.json bin/release/
awk -v version="${VERSION#v}" '/^## \[/ {found = index($0, "[" version "]")} found' CHANGELOG.md >bin/notes.md
gh release create "$VERSION" --verify-tag --title "$VERSION" --notes-file bin/notes.md \
  $([[ $VERSION == *-* ]] && echo --prerelease) bin/release/*
