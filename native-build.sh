#!/usr/bin/env bash
# Builds the native executable target/segdiff, and on demand the image around it.
#
# What compiles it is the first of these that is there: $GRAALVM_HOME (Mandrel or GraalVM 25), native-image on the PATH, a
# container engine with Quarkus' Mandrel builder image.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: native-build.sh [options] [-- MAVEN-ARGUMENT...]
  --compatible     for any x86-64 or arm64 processor, not only for such as this one (-march=compatibility)
  --container      in the builder image, even if a native-image is there
  --image TAG      also builds the container image TAG (needs a container engine)
  --base IMAGE     its base, instead of the one that the Dockerfile names
  --help
USAGE
}

say() { echo "native-build: $*" >&2; }
die() { say "$*"; exit 2; }

# Called from anywhere, it builds its own project.
cd "$(dirname "$0")"

march='' container=false image='' base='' maven=()
while [ $# -gt 0 ]; do
    case $1 in
        --compatible) march=-Dquarkus.native.march=compatibility ;;
        --container) container=true ;;
        --image) [ $# -gt 1 ] || die "--image: expected a tag such as registry.example/segdiff:1.0"; image=$2; shift ;;
        --base) [ $# -gt 1 ] || die "--base: expected an image"; base=$2; shift ;;
        --help) usage; exit 0 ;;
        --) shift; maven=("$@"); break ;;
        *) usage >&2; die "unknown option '$1'" ;;
    esac
    shift
done

engine() {
    local name
    for name in docker podman; do
        if command -v "$name" >/dev/null && "$name" info >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
}

with=()
if $container; then
    [ -n "$(engine)" ] || die "--container: neither docker nor podman answers"
    say "with Quarkus' builder image in $(engine), as asked"
    with=(-Dquarkus.native.container-build=true)
elif [ -n "${GRAALVM_HOME:-}" ]; then
    [ -x "$GRAALVM_HOME/bin/native-image" ] || die "GRAALVM_HOME is $GRAALVM_HOME, expected bin/native-image in it"
    say "with GRAALVM_HOME: $GRAALVM_HOME"
elif command -v native-image >/dev/null; then
    say "with native-image of the PATH: $(command -v native-image)"
elif [ -n "$(engine)" ]; then
    say "with Quarkus' builder image in $(engine): there is no GRAALVM_HOME and no native-image on the PATH"
    with=(-Dquarkus.native.container-build=true)
else
    die "nothing to build with: set GRAALVM_HOME to Mandrel or GraalVM 25, put native-image on the PATH, or start docker or podman"
fi

./mvnw -B -ntp package -Dnative -DskipTests ${march:+"$march"} "${with[@]+"${with[@]}"}" "${maven[@]+"${maven[@]}"}"
say "built $(ls -l target/segdiff | awk '{ printf "target/segdiff, %.1f MB", $5 / 1e6 }')"

if [ -n "$image" ]; then
    builder=$(engine)
    [ -n "$builder" ] || die "--image: neither docker nor podman answers"
    "$builder" build -f src/main/docker/Dockerfile.native ${base:+--build-arg "BASE=$base"} -t "$image" .
    say "built the image $image"
fi
