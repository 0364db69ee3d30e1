# syntax=docker/dockerfile:1
# The images for those who build with Docker. What is released comes from `make images`, which
# needs no engine, pins its base by digest and gives the same digest each time; this file does
# neither unless you pass GOLANG, DEBIAN with digests.
#
#   docker build --target static --build-arg PROGRAM=ashlar-scheduler -t ashlar-scheduler .
#   docker build --target driver -t ashlar-dra-driver .

ARG GOLANG=golang:1.26-bookworm
ARG DEBIAN=debian:bookworm-slim

FROM ${GOLANG} AS sources
WORKDIR /src
COPY go.mod go.sum ./
COPY build/go.mod build/go.sum build/
RUN go mod download && go -C build mod download
COPY . .
ARG VERSION=v0.0.0-docker
ARG COMMIT=unknown
ENV STAMP="-s -w -X github.com/ashlar-dev/ashlar/internal/buildinfo.version=${VERSION} -X github.com/ashlar-dev/ashlar/internal/buildinfo.commit=${COMMIT}"

FROM sources AS static-program
ARG PROGRAM=ashlar-scheduler
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "${STAMP}" -o /out/program ./cmd/${PROGRAM} && mkdir -m 1777 /out/tmp

FROM scratch AS static
COPY --from=static-program /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=static-program /out/ /
USER 65532:65532
ENTRYPOINT ["/program"]

FROM sources AS driver-program
RUN go build -trimpath -buildvcs=false -ldflags "${STAMP}" -o /out/ashlar-dra-driver ./cmd/ashlar-dra-driver
# NVIDIA's hook runs on the host, whose C library may be older: it is linked statically.
RUN go build -C build -trimpath -tags netgo,osusergo -ldflags "-s -w -linkmode external -extldflags '-static -Wl,-z,lazy'" \
    -o /out/nvidia-cdi-hook github.com/NVIDIA/nvidia-container-toolkit/cmd/nvidia-cdi-hook

# The driver loads NVIDIA's library from the host, which needs glibc.
FROM ${DEBIAN} AS driver
COPY --from=driver-program /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=driver-program /out/ /usr/bin/
ENTRYPOINT ["/usr/bin/ashlar-dra-driver"]
